import Protocol
import ShardCore

// Between the socket and the log.
extension ShardFuzzer {

    func send(_ kind: UInt8, _ body: [UInt8], signed: Bool) throws {
        // With an honest coordinator signed packets come from its transactions only.
        try receive(try datagram(kind, body, isSigned: signed && !isCoordinatorHonest))
    }

    func datagram(_ kind: UInt8, _ body: [UInt8], isSigned: Bool) throws(EncodeError) -> [UInt8] {
        let requestID = UInt64(sent.count)
        let datagram = try encodedBytes(capacity: body.count + 64) { (writer) throws(EncodeError) in
            if isSigned {
                try SignedPacket.writeHeader(.cdcToShardRequest, requestID: requestID, kind: kind, into: &writer)
                try writer.raw(body)
                try SignedPacket.seal(&writer, key: key)
            } else {
                try PlainPacket.writeHeader(.shardRequest, requestID: requestID, kind: kind, into: &writer)
                try writer.raw(body)
            }
        }
        sent.append(datagram)
        return datagram
    }

    /// An earlier datagram again, perhaps with a byte changed; whoever has the key signs what was changed.
    func resend(damaged: Bool, _ script: inout FuzzScript) throws {
        guard var datagram = script.pick(sent) else { return }
        if damaged {
            let place = Int(script.byte()) % datagram.count
            datagram[place] ^= max(1, script.byte())
            let isSigned = datagram.withUnsafeBytes(ProtocolWord.init(of:)) == .cdcToShardRequest
            if isSigned, !isCoordinatorHonest, datagram.count > 8 {
                let mac = datagram.dropLast(8).withUnsafeBytes { key.mac(of: $0) }
                datagram.replaceSubrange((datagram.count - 8)..., with: try mac.encoded())
            }
        }
        try receive(datagram)
    }

    /// What a shard service does with a datagram. Returns the answer, if there is one at once.
    @discardableResult
    func receive(_ datagram: [UInt8]) throws -> ShardReply? {
        try datagram.withUnsafeBytes { bytes in
            switch ProtocolWord(of: bytes) {
            case .shardRequest:
                guard let packet = try? PlainPacket(bytes, expecting: .shardRequest) else { return nil }
                return try handle(packet.kind, packet.body, packet.requestID, isPrivileged: false)
            case .cdcToShardRequest:
                let packet = try? SignedPacket(bytes, expecting: .cdcToShardRequest, key: key)
                guard let packet else { return nil }
                return try handle(packet.kind, packet.body, packet.requestID, isPrivileged: true)
            default: return nil
            }
        }
    }

    private func handle(
        _ kindByte: UInt8, _ body: UnsafeRawBufferPointer, _ requestID: UInt64, isPrivileged: Bool
    ) throws -> ShardReply? {
        guard let kind = ShardKind(rawValue: kindByte), isPrivileged || !kind.isPrivileged,
            let request = try? AnyShardRequest.decode(kind: kindByte, body: body)
        else { return nil }
        if kind.isReadOnly { return try read(request, body) }
        if case .shardSnapshot = request { return nil }
        return try write(request, requestID, isPrivileged: isPrivileged)
    }

    private func read(_ request: AnyShardRequest, _ body: UnsafeRawBufferPointer) throws -> ShardReply {
        let (typed, bytes) = try ShardReading.answers(core, request, body)
        guard typed == bytes else { throw Finding("\(request) is answered with \(typed), in bytes with \(bytes)") }
        if case .response(let response) = typed { known.learn(response, to: request) }
        return typed
    }

    /// Prepares and proposes; carried out at once unless proposals are being held. Returns the answer, if there is one.
    private func write(
        _ request: AnyShardRequest, _ requestID: UInt64, isPrivileged: Bool
    ) throws -> ShardReply? {
        do throws(ShardFailure) {
            // Nobody waits for the answer to request 0.
            let entry = try core.prepare(
                request, isPrivileged: isPrivileged, requestID: requestID == 0 ? nil : requestID,
                at: Timestamp(nanoseconds: now))
            guard let bytes = try? entry.encoded(), (try? ShardLogEntry(decoding: bytes)) == entry else {
                throw .state(.unknownEntry)
            }
            proposals.append(Proposal(request: request, entry: bytes))
        } catch .refused(let code) {
            return .refused(code)
        }
        return isHolding ? nil : try deliverAll()
    }
}
