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
                let block = location.blocks.first, let bytes = cluster.blockBytes[block.blockId]
            else { continue }
            let services = location.blocks.map { listing.blockServices[Int($0.blockServiceIx)].id }
            let spare = try await client.construct(in: file.shard, note: Array("relocate".utf8))
            if let new = try await store(bytes, block.crc, in: spare, avoiding: services) {
                _ = try await call(
                    SwapBlocksRequest(
                        fileId1: file, byteOffset1: span.header.byteOffset, blockId1: block.blockId,
                        fileId2: spare.id, byteOffset2: 0, blockId2: new),
                    shard: file.shard)
            }
            return try await scrap(spare)
        }
    }

    /// Stores one block as a span of its own; nil: its service does not take it.
    private func store(
        _ bytes: [UInt8], _ crc: CRC32C, in file: TransientHandle, avoiding services: [BlockServiceID]
    ) async throws(ClientError) -> BlockID? {
        let size = UInt32(bytes.count)
        let request = AddSpanInitiateRequest(
            fileId: file.id, cookie: file.cookie, byteOffset: 0, size: size, crc: crc, storageClass: .flash,
            blacklist: services.map { BlacklistEntry(failureDomain: FailureDomain(name: ""), blockService: $0) },
            parity: Parity(data: 1, parity: 0), stripes: 1, cellSize: size, crcs: [crc])
        let places = try await call(
            AddSpanInitiateWithReferenceRequest(req: request, reference: .null), shard: file.id.shard
        ).resp.blocks
        guard let place = places.first, let proof = await write(bytes, crc, to: place) else { return nil }
        _ = try await call(
            AddSpanCertifyRequest(
                fileId: file.id, cookie: file.cookie, byteOffset: 0,
                proofs: [BlockProof(blockId: place.blockId, proof: proof)]),
            shard: file.id.shard)
        return place.blockId
    }

    private func write(_ bytes: [UInt8], _ crc: CRC32C, to place: AddSpanInitiateBlockInfo) async -> MAC? {
        let service = BlockService(addrs: place.blockServiceAddrs, id: place.blockServiceId, flags: [])
        let request = WriteBlockRequest(
            blockId: place.blockId, crc: crc, size: UInt32(bytes.count), certificate: place.certificate)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        memory.copyBytes(from: bytes)
        defer { memory.deallocate() }
        let result: Result<MAC?, ClientError> = await withUnsafeContinuation { continuation in
            let operation = BlockOperation(
                request, service, payload: [UnsafeRawBufferPointer(memory)], answer: .proof
            ) { continuation.resume(returning: $0) }
            client.core.blocks.submit(operation, purpose: .write)
        }
        return (try? result.get()) ?? nil
    }

    /// Writes a span of a file anew and exchanges the two, as defragmentation does.
    func rewriteSpan(of file: InodeID) async throws(ClientError) {
        let listing = try await call(
            LocalFileSpansRequest(fileId: file, byteOffset: 0, limit: 0, mtu: 8972), shard: file.shard)
        let spans = listing.spans.filter {
            if case .blocks = $0.body { true } else { false }
        }
        guard !spans.isEmpty else { return }
        let span = world.random.pick(spans)
        // As many data blocks, so that as much of it is zeros that nobody stores.
        let parity = Parity(data: 2, parity: world.random.pick([1, 2]))
        guard
            let policies = WritePolicies(
                span: .uniform(parity, maxSize: ClusterOptions.largestSpan), block: .uniform(.flash),
                stripe: .oneMebibyte)
        else { return world.find("policies that no writer can use") }
        _ = try await client.storeAnew(span, of: file, policies)
    }

    func scrap(_ file: TransientHandle) async throws(ClientError) {
        _ = try await call(ScrapTransientFileRequest(id: file.id, cookie: file.cookie), shard: file.id.shard)
    }
}
