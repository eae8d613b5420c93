import Client
import Protocol

/// What no client of ours asks for, and nobody may get.
extension SimulatedClient {
    /// Says of a block that it was written, which no service has confirmed.
    func certifyNothing(in shard: ShardID) async throws(ClientError) {
        let file = try await client.construct(in: shard, note: Array("forgery".utf8))
        let crc = CRC32C(rawValue: UInt32(truncatingIfNeeded: world.random.next()))
        let size = UInt32(ClientLimits.pageBytes)
        let request = AddSpanInitiateRequest(
            fileId: file.id, cookie: file.cookie, byteOffset: 0, size: size, crc: crc, storageClass: .flash,
            blacklist: [], parity: Parity(data: 1, parity: 0), stripes: 1, cellSize: size, crcs: [crc])
        let places = try await call(
            AddSpanInitiateWithReferenceRequest(req: request, reference: .null), shard: shard
        ).resp.blocks
        let proofs = places.map { BlockProof(blockId: $0.blockId, proof: MAC(rawValue: world.random.next())) }
        do throws(ClientError) {
            _ = try await call(
                AddSpanCertifyRequest(fileId: file.id, cookie: file.cookie, byteOffset: 0, proofs: proofs),
                shard: shard)
            world.find("\(file.id) has a span with a block that nobody proved")
        } catch {
            guard error.isRefusal(.badBlockProof) else { throw error }
        }
        try await scrap(file)
    }
}
