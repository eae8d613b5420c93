import Client
import Erasure
import Protocol

/// Files, as `Libraries/Client` writes them.
extension SimulatedClient {
    func construct(in shard: ShardID, _ note: String) async throws(ClientError) -> TransientInode {
        // Long before the shard expires them.
        spares.removeAll { world.now - $0.made > 30_000_000_000 }
        if let index = spares.firstIndex(where: { $0.file.id.shard == shard }) { return spares.remove(at: index).file }
        let note = Array(note.utf8)
        guard world.random.perMille(200) else {
            let made = try await call(ConstructFileRequest(type: .file, note: note), shard: shard)
            return TransientInode(id: made.id, cookie: made.cookie)
        }
        let (count, begun) = (UInt8.random(in: 1...5, using: &world.random), world.now)
        let made = try await call(ConstructFilesRequest(type: .file, note: note, count: count), shard: shard).files
        if Set(made.map(\.id)).count != Int(count) { world.find("\(count) files were asked for, and \(made) made") }
        spares += made.map { (TransientInode(id: $0.id, cookie: $0.cookie), begun) }
        guard let last = spares.popLast() else { throw ClientError(.malformedAnswer, "making of files") }
        return last.file
    }

    /// Writes a file and gives it its name; what the name meant before becomes history.
    func create(_ place: Place) async throws(ClientError) {
        let file = try await construct(in: place.directory.shard, "create")
        var contents = FileContents()
        for _ in 0..<Int.random(in: 0...2, using: &world.random) {
            if world.random.perMille(400) {
                contents.spans.append(try await addInlineSpan(to: file, at: contents.size))
            } else {
                let span = FileContents.blockSpan(at: contents.size, &world.random)
                try await addBlockSpan(span, to: file)
                contents.spans.append(span)
            }
        }
        await beLate()
        if world.random.perMille(400) { return try await publish(file, contents, at: place) }
        if world.random.perMille(300) { return try await link(file, contents, withSpanAt: place) }
        cluster.contents[file.id] = contents
        if world.random.perMille(300) { return try await link(file, ifUnchanged: place) }
        let intent = want(.put(file.id), place, "create")
        let outcome = await counted(
            LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: place.directory, name: place.name),
            shard: place.directory.shard)
        settle([intent], outcome.map { Meaning(target: file.id, creationTime: $0.creationTime) })
        _ = try outcome.result.get()
    }

    /// Now and then until the file has expired, while others collect what is left of it.
    private func beLate() async {
        let lifetime = cluster.options.transientLifetime
        guard lifetime <= 300_000_000_000, world.random.perMille(15) else { return }
        await world.sleep(lifetime + world.random.spread(1_000_000_000...120_000_000_000))
    }

    /// Now and then long enough for others to change what has been looked at.
    func hesitate() async {
        if world.random.perMille(80) { await world.sleep(world.random.spread(10_000_000...10_000_000_000)) }
    }

    /// As who continues a file: only if the name means what it meant when it was looked at.
    private func link(_ file: TransientInode, ifUnchanged place: Place) async throws(ClientError) {
        let present = try await target(of: place)
        await hesitate()
        let intent = want(.replace(file.id, over: present), place, "continuation")
        let outcome = await counted(
            LinkFileIfUnchangedRequest(
                fileId: file.id, cookie: file.cookie, ownerId: place.directory, name: place.name,
                expectedId: present ?? .null),
            shard: place.directory.shard)
        settle([intent], outcome.map { Meaning(target: file.id, creationTime: $0.creationTime) })
        _ = try outcome.result.get()
    }

    /// Its last span comes with the name.
    private func link(
        _ file: TransientInode, _ contents: FileContents, withSpanAt place: Place
    ) async throws(ClientError) {
        let (body, span) = inlineSpan(at: contents.size)
        var contents = contents
        contents.spans.append(span)
        cluster.contents[file.id] = contents
        let intent = want(.put(file.id), place, "create with a span")
        let outcome = await counted(
            LinkFileWithSpanRequest(
                fileId: file.id, cookie: file.cookie, storageClass: .inline, byteOffset: span.byteOffset,
                size: span.size, crc: span.crc, body: body, ownerId: place.directory, name: place.name),
            shard: place.directory.shard)
        settle([intent], outcome.map { Meaning(target: file.id, creationTime: $0.creationTime) })
        _ = try outcome.result.get()
    }

    private func addInlineSpan(
        to file: TransientInode, at offset: UInt64
    ) async throws(ClientError) -> FileContents.Span {
        let (body, span) = inlineSpan(at: offset)
        _ = try await call(
            AddInlineSpanRequest(
                fileId: file.id, cookie: file.cookie, storageClass: .inline, byteOffset: offset, size: span.size,
                crc: span.crc, body: body),
            shard: file.id.shard)
        return span
    }

    func inlineSpan(at offset: UInt64) -> (body: [UInt8], span: FileContents.Span) {
        let body = (0..<20).map { _ in UInt8.random(in: 0...255, using: &world.random) }
        // Reads as zeros behind the body, up to the next page.
        let size: UInt32 = 4096
        let crc = CRC32C(of: body).zeroExtended(by: Int64(size) - Int64(body.count))
        return (body, FileContents.Span(byteOffset: offset, size: size, crc: crc, storedSize: UInt32(body.count)))
    }

    /// Writes a span and certifies it.
    func addBlockSpan(_ span: FileContents.Span, to file: TransientInode) async throws(ClientError) {
        try await certify(try await writeBlockSpan(span, to: file), of: file, at: span.byteOffset)
    }

    /// Writes a span; when a block server does not take its block, the half-written span is moved aside and tried again
    /// elsewhere.
    func writeBlockSpan(
        _ span: FileContents.Span, to file: TransientInode
    ) async throws(ClientError) -> [BlockProof] {
        var blacklist: [BlacklistEntry] = []
        for _ in 0..<3 {
            let blocks = try await call(
                AddSpanInitiateRequest(span, of: file, blacklist: blacklist), shard: file.id.shard
            ).blocks
            let (proofs, failed) = await write(blocks, span.cells)
            guard let failed else { return proofs }
            blacklist.append(BlacklistEntry(failureDomain: FailureDomain(name: ""), blockService: failed))
            let aside = try await construct(in: file.id.shard, "aside")
            _ = try await call(
                MoveSpanRequest(
                    spanSize: span.size, fileId1: file.id, byteOffset1: span.byteOffset, cookie1: file.cookie,
                    fileId2: aside.id, byteOffset2: 0, cookie2: aside.cookie),
                shard: file.id.shard)
            if world.random.perMille(500) { try await scrap(aside) }
        }
        throw ClientError(.cannotPlaceSpan(last: .blockTransfer), "a span")
    }

    /// Writes the blocks of a span and certifies it; the block service that failed, if one did.
    func write(
        _ blocks: [AddSpanInitiateBlockInfo], _ crcs: [CRC32C], to file: TransientInode, at offset: UInt64
    ) async throws(ClientError) -> BlockServiceID? {
        let (proofs, failed) = await write(blocks, crcs)
        if failed == nil { try await certify(proofs, of: file, at: offset) }
        return failed
    }

    private func certify(
        _ proofs: [BlockProof], of file: TransientInode, at offset: UInt64
    ) async throws(ClientError) {
        _ = try await call(
            AddSpanCertifyRequest(fileId: file.id, cookie: file.cookie, byteOffset: offset, proofs: proofs),
            shard: file.id.shard)
    }

    /// Writes the blocks of a span; the block service that failed, if one did.
    private func write(
        _ blocks: [AddSpanInitiateBlockInfo], _ crcs: [CRC32C]
    ) async -> (proofs: [BlockProof], failed: BlockServiceID?) {
        var proofs: [BlockProof] = []
        for (block, crc) in zip(blocks, crcs) {
            do throws(ClientError) {
                let request = WriteBlockRequest(
                    blockId: block.blockId, crc: crc, size: FileContents.cellSize, certificate: block.certificate)
                let proof = try await self.blocks(.writeBlock(request), block.blockServiceId)
                proofs.append(BlockProof(blockId: block.blockId, proof: proof))
            } catch {
                return (proofs, block.blockServiceId)
            }
        }
        return (proofs, nil)
    }

    func scrap(_ file: TransientInode) async throws(ClientError) {
        _ = try await call(ScrapTransientFileRequest(id: file.id, cookie: file.cookie), shard: file.id.shard)
    }
}
