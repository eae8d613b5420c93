import Client
import Protocol

/// What maintenance does to files that are in use.
extension SimulatedClient {
    /// Moves one block of a file to another block service, as migration does.
    func relocateBlock(of file: InodeID) async throws(ClientError) {
        let listing = try await call(
            FileSpansRequest(fileId: file, byteOffset: 0, limit: 0, mtu: 8972), shard: file.shard)
        for span in listing.spans {
            guard case .locations(let body) = span.body, let location = body.locations.first,
                let block = location.blocks.first
            else { continue }
            let services = location.blocks.map { listing.blockServices[Int($0.blockServiceIx)].id }
            let blacklist = services.map { BlacklistEntry(failureDomain: FailureDomain(name: ""), blockService: $0) }
            let spare = try await construct(in: file.shard, "relocate")
            let request = AddSpanInitiateRequest(
                fileId: spare.id, cookie: spare.cookie, byteOffset: 0, size: FileContents.cellSize, crc: block.crc,
                storageClass: .flash, blacklist: blacklist, parity: Parity(data: 1, parity: 0), stripes: 1,
                cellSize: FileContents.cellSize, crcs: [block.crc])
            let made = try await call(
                AddSpanInitiateWithReferenceRequest(req: request, reference: .null), shard: file.shard
            ).resp.blocks
            guard let new = made.first, try await write(made, [block.crc], to: spare, at: 0) == nil else { return }
            _ = try await call(
                SwapBlocksRequest(
                    fileId1: file, byteOffset1: span.header.byteOffset, blockId1: block.blockId, fileId2: spare.id,
                    byteOffset2: 0, blockId2: new.blockId),
                shard: file.shard)
            return try await scrap(spare)
        }
    }

    /// Writes a span of a file anew and exchanges the two, as defragmentation does.
    func rewriteSpan(of file: InodeID) async throws(ClientError) {
        guard let span = cluster.contents[file]?.spans.first(where: { !$0.cells.isEmpty }) else { return }
        let listing = try await call(
            FileSpansRequest(fileId: file, byteOffset: span.byteOffset, limit: 1, mtu: 8972), shard: file.shard)
        guard case .locations(let body)? = listing.spans.first?.body, let location = body.locations.first
        else { return }
        let spare = try await construct(in: file.shard, "rewrite")
        var copy = span
        copy.byteOffset = 0
        let blocks = try await call(
            AddSpanInitiateRequest(copy, of: spare, blacklist: []), shard: file.shard
        ).blocks
        guard try await write(blocks, span.cells, to: spare, at: 0) == nil else { return }
        _ = try await call(
            SwapSpansRequest(
                fileId1: file, byteOffset1: span.byteOffset, blocks1: location.blocks.map(\.blockId),
                fileId2: spare.id, byteOffset2: 0, blocks2: blocks.map(\.blockId)),
            shard: file.shard)
        try await scrap(spare)
    }
}
