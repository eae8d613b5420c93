import EventLoop
import Glibc
import Protocol
import TestSupport
import Wire

/// A blocking client of one shard, with retries as the protocol wants them.
final class ShardClient {
    private let descriptor: Int32
    private var nextID: UInt64 = 1

    init(_ address: SocketAddress) throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var raw = sockaddr_in()
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_addr.s_addr = address.address.bigEndian
        raw.sin_port = address.port.bigEndian
        let isConnected = withUnsafePointer(to: &raw) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw TestFailure("cannot connect to \(address)") }
    }

    deinit {
        close(descriptor)
    }

    func send(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, 0)
    }

    /// The next datagram, nil when none comes in time.
    func receive(timeoutMilliseconds: Int32) -> [UInt8]? {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, timeoutMilliseconds) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 9000)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count >= 0 ? Array(bytes[..<count]) : nil
    }

    /// The shard's answer to `request`; sends it again while there is none, for up to 10 s.
    func call<Request: ShardRPC>(_ request: Request) throws -> Result<Request.Response, ProtocolError> {
        let id = takeID()
        let datagram = try encodedBytes(capacity: 8972) { (writer) throws(EncodeError) in
            try PlainPacket.write(.shardRequest, requestID: id, request: request, into: &writer)
        }
        return try exchange(datagram) { bytes in
            let packet = try PlainPacket(bytes, expecting: .shardResponse)
            guard packet.requestID == id else { return nil }
            return try Request.decodeReply(kind: packet.kind, body: packet.body)
        }
    }

    /// The same with a proof behind it, made at this time of the wall clock.
    func call<Request: ShardRPC>(
        _ request: Request, provenWith key: MACKey, at time: UInt64
    ) throws -> Result<Request.Response, ProtocolError> {
        let id = takeID()
        let datagram = try encodedBytes(capacity: 8972) { (writer) throws(EncodeError) in
            try ProvenPacket.write(
                .provenShardRequest, requestID: id, kind: Request.kind.rawValue, body: request, time: time, key: key,
                into: &writer)
        }
        return try exchange(datagram) { bytes in
            let packet = try PlainPacket(bytes, expecting: .shardResponse)
            guard packet.requestID == id else { return nil }
            return try Request.decodeReply(kind: packet.kind, body: packet.body)
        }
    }

    /// The same in the coordinator's signed frame; also returns the checkpoint.
    func call<Request: ShardRPC>(
        _ request: Request, signedWith key: MACKey
    ) throws -> (Result<Request.Response, ProtocolError>, checkpoint: UInt64?) {
        let id = takeID()
        let datagram = try encodedBytes(capacity: 8972) { (writer) throws(EncodeError) in
            try SignedPacket.write(
                .cdcToShardRequest, requestID: id, kind: Request.kindByte, body: request, key: key, into: &writer)
        }
        return try exchange(datagram) { bytes in
            let packet = try SignedPacket(bytes, expecting: .cdcToShardResponse, key: key)
            guard packet.requestID == id else { return nil }
            return (try Request.decodeReply(kind: packet.kind, body: packet.body), packet.checkpoint)
        }
    }

    private func takeID() -> UInt64 {
        nextID += 1
        return nextID
    }

    private func exchange<Answer>(
        _ datagram: [UInt8], _ parse: (UnsafeRawBufferPointer) throws -> Answer?
    ) throws -> Answer {
        for _ in 0..<20 {
            send(datagram)
            while let bytes = receive(timeoutMilliseconds: 500) {
                if let answer = try bytes.withUnsafeBytes(parse) { return answer }
            }
        }
        throw TestFailure("no answer")
    }
}
