import CoordinatorCore
import EventLoop
import Protocol

extension CdcService {
    /// An answer of a shard. Whatever is not signed, whole and known is dropped.
    func receiveFromShard(_ datagram: UnsafeRawBufferPointer, _ sender: SocketAddress) {
        // Those that have just moved are asked again where they are now.
        guard registry.shards.contains(sender) else { return metrics.shardDatagramsRefused.add() }
        do throws(DecodeError) {
            let packet = try SignedPacket(datagram, expecting: .cdcToShardResponse, key: key)
            registry.shards.answered(from: sender)
            pipeline.handle(try decodeAnswer(packet), toRequest: packet.requestID)
        } catch {
            metrics.shardDatagramsRefused.add()
        }
    }

    private func decodeAnswer(
        _ packet: SignedPacket
    ) throws(DecodeError) -> Result<AnyShardResponse, ProtocolError> {
        if packet.kind == 0 { return .failure(try ProtocolError(decoding: packet.body)) }
        guard let kind = ShardKind(rawValue: packet.kind) else { throw .unknownKind }
        var reader = WireReader(packet.body)
        let response = try AnyShardResponse.decode(kind: kind, from: &reader)
        try reader.finish()
        return .success(response)
    }

    func send(_ request: ShardSend) {
        if request.attempt >= 3 { registry.refreshShards() }
        let addresses = registry.shards.addresses(of: request.shard, attempt: request.attempt)
        // The coordinator repeats it; by then the registry may know the shard.
        guard !addresses.isEmpty else { return registry.refreshShards() }
        for address in addresses { shardSocket.send(to: address) { room in write(request, into: room) } }
    }

    /// Writes the packet of a request; returns its length.
    private func write(_ request: ShardSend, into room: UnsafeMutableRawBufferPointer) -> Int {
        var writer = WireWriter(room)
        do throws(EncodeError) {
            try SignedPacket.writeHeader(
                .cdcToShardRequest, requestID: request.requestID, kind: request.request.kind.rawValue, into: &writer)
            try request.request.encode(into: &writer)
            try SignedPacket.seal(&writer, key: key)
            return writer.count
        } catch {
            logger.error("a request to shard \(request.shard) cannot be encoded: \(error)")
            return 0
        }
    }
}
