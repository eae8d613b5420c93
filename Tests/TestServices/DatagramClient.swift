import EventLoop
import Protocol
import TestSupport
import Wire

/// A blocking client of a shard or a coordinator, with retries as the protocol wants them.
package final class DatagramClient {
    private let socket: TestDatagramSocket
    private var lastID: UInt64 = 1

    package init(_ address: SocketAddress) throws { socket = try TestDatagramSocket(peer: address.port) }

    package func send(_ bytes: [UInt8]) { socket.send(bytes) }

    /// The next datagram, nil when none comes in time.
    package func receive(timeoutMilliseconds: Int32) -> [UInt8]? {
        socket.receive(timeoutMilliseconds: timeoutMilliseconds)
    }

    /// The shard's answer to `request`; sends it again while there is none, for up to 10 s.
    package func call<Request: ShardRPC>(_ request: Request) throws -> Result<Request.Response, ProtocolError> {
        try ask(request, .shardRequest, answer: .shardResponse)
    }

    /// The same of the coordinator.
    package func call<Request: CdcRPC>(_ request: Request) throws -> Result<Request.Response, ProtocolError> {
        try ask(request, .cdcRequest, answer: .cdcResponse)
    }

    /// The same with a proof behind it, made at this time of the wall clock.
    package func call<Request: ShardRPC>(
        _ request: Request, provenWith key: MACKey, at time: UInt64
    ) throws -> Result<Request.Response, ProtocolError> {
        try ask(request, .provenShardRequest, answer: .shardResponse, proof: (key, time))
    }

    package func call<Request: CdcRPC>(
        _ request: Request, provenWith key: MACKey, at time: UInt64
    ) throws -> Result<Request.Response, ProtocolError> {
        try ask(request, .provenCdcRequest, answer: .cdcResponse, proof: (key, time))
    }

    /// The same in the coordinator's signed frame; also returns the checkpoint.
    package func call<Request: ShardRPC>(
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

    private func ask<Request: RPC>(
        _ request: Request, _ word: ProtocolWord, answer: ProtocolWord, proof: (key: MACKey, time: UInt64)? = nil
    ) throws -> Result<Request.Response, ProtocolError> {
        let id = takeID()
        let datagram = try encodedBytes(capacity: 8972) { (writer) throws(EncodeError) in
            guard let proof else { return try PlainPacket.write(word, requestID: id, request: request, into: &writer) }
            try ProvenPacket.write(
                word, requestID: id, kind: Request.kindByte, body: request, time: proof.time, key: proof.key,
                into: &writer)
        }
        return try exchange(datagram) { bytes in
            let packet = try PlainPacket(bytes, expecting: answer)
            guard packet.requestID == id else { return nil }
            return try Request.decodeReply(kind: packet.kind, body: packet.body)
        }
    }

    private func takeID() -> UInt64 {
        lastID += 1
        return lastID
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
