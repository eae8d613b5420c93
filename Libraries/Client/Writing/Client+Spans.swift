import EventLoop
import Protocol

extension Client {
    /// Stores one coded span at the end of a transient file: the shard places it, all blocks are written at once, their
    /// proofs finish it. When a block cannot be written the span is moved out of the way and placed anew, elsewhere
    /// (services.md C.8).
    /// - Parameters:
    ///   - places: where the blocks go, if the shard was asked before.
    ///   - near: a file whose block services are taken if possible; null: the file's own.
    ///   - sequel: what to ask of the shard together with the end of this span; called once the blocks are written.
    /// - Throws: `.cannotPlaceSpan` once that did not help for `options.writeTimeoutNanoseconds`; `.noSpace` when the
    ///   cluster is full.
    @discardableResult
    package func store(
        _ span: EncodedSpan, in file: TransientHandle, at byteOffset: UInt64,
        places: [AddSpanInitiateBlockInfo]? = nil, near reference: InodeID = .null,
        sequel: @Sendable () async -> SpanSequel = { .nothing }
    ) async throws(ClientError) -> StoredSpan {
        guard span.logicalBytes > 0 else { return StoredSpan() }
        switch span.content {
        case .inline(let body):
            return try await storeInline(span, body, in: file, at: byteOffset, await sequel())
        case .blocks(let blocks):
            return try await storeBlocks(span, blocks, in: file, at: byteOffset, places, near: reference, sequel)
        }
    }

    /// Together with the file's name if it is the last span and the shards can do that.
    private func storeInline(
        _ span: EncodedSpan, _ body: [UInt8], in file: TransientHandle, at byteOffset: UInt64, _ sequel: SpanSequel
    ) async throws(ClientError) -> StoredSpan {
        let request = AddInlineSpanRequest(
            fileId: file.id, cookie: file.cookie, storageClass: .inline, byteOffset: byteOffset,
            size: span.logicalBytes, crc: span.crc, body: body)
        if case .publication(let publication) = sequel {
            do throws(ClientError) {
                if let published = try await publish(file, publication, appending: request) {
                    return StoredSpan(published: published)
                }
            } catch {
                // Nothing was done: the caller learns in the usual way whether that lasts, and waits if not.
                guard error.code != nil else { throw error }
            }
        }
        _ = try await persist(request, shard: file.id.shard)
        return StoredSpan()
    }

    /// Ends a file with one request; nil if the shards know none that does it.
    private func publish(
        _ file: TransientHandle, _ publication: Publication, appending span: AddInlineSpanRequest
    ) async throws(ClientError) -> PublishedVersion? {
        if isPlain(publication), supports(.linkWithSpan) {
            let request = LinkFileWithSpanRequest(
                fileId: file.id, cookie: file.cookie, storageClass: .inline, byteOffset: span.byteOffset,
                size: span.size, crc: span.crc, body: span.body, ownerId: publication.directory,
                name: publication.name)
            let time = try await persist(request, shard: file.id.shard).creationTime
            return PublishedVersion(creationTime: time, number: file.id)
        }
        guard supports(.publishing) else { return nil }
        return try await publishOnce(file, publication, appending: span).get()
    }

    private func storeBlocks(
        _ span: EncodedSpan, _ blocks: EncodedBlocks, in file: TransientHandle, at byteOffset: UInt64,
        _ known: [AddSpanInitiateBlockInfo]?, near reference: InodeID, _ sequel: @Sendable () async -> SpanSequel
    ) async throws(ClientError) -> StoredSpan {
        var placement = Placement(start: loop.monotonicNanoseconds, limit: options.writeTimeoutNanoseconds)
        var known = known
        while true {
            do throws(ClientError) {
                let places: [AddSpanInitiateBlockInfo]
                if let known {
                    places = known
                } else {
                    let request = initiation(of: span, blocks, in: file, at: byteOffset, placement)
                    places = try await place(request, near: reference)
                }
                known = nil
                guard places.count == blocks.layout.blocks else {
                    throw ClientError(.malformedAnswer, "placing of a span", "\(places.count) blocks")
                }
                let results = await write(blocks, to: places)
                if let proofs = Self.proofs(places, results) {
                    var stored = try await certify(file, byteOffset, proofs, await sequel())
                    stored.blocks = places.map(\.blockId)
                    return stored
                }
                placement.failed(noteFailures(places, results))
            } catch {
                guard error.isRefusal(.couldNotPickBlockServices) else { throw error }
                guard let pause = placement.refused(now: loop.monotonicNanoseconds) else { throw placement.error }
                if pause > 0, placement.age(now: loop.monotonicNanoseconds) >= options.fullNanoseconds,
                    await hasNoSpace(for: blocks.layout)
                {
                    throw ClientError(.noSpace, "placing of a span")
                }
                await loop.sleep(nanoseconds: pause)
                continue
            }
            try await moveAway(file, byteOffset, span.logicalBytes)
            guard let pause = placement.retry(now: loop.monotonicNanoseconds) else { throw placement.error }
            if pause > 0 { await loop.sleep(nanoseconds: pause) }
        }
    }

    /// Whether enough block services work for a span of this layout, but too few have space.
    private func hasNoSpace(for layout: SpanLayout) async -> Bool {
        // Without an answer it is not known, and the attempts go on.
        guard let services = try? await blockServices() else { return false }
        let working = services.filter {
            $0.storageClass == layout.storageClass && $0.flags.isDisjoint(with: [.stale, .noWrite, .decommissioned])
        }
        let withSpace = working.filter { $0.availableBytes > 0 }
        return Set(working.map(\.failureDomain)).count >= layout.blocks
            && Set(withSpace.map(\.failureDomain)).count < layout.blocks
    }

    /// Asks the shard where the blocks of a span go.
    private func place(
        _ request: AddSpanInitiateRequest, near reference: InodeID
    ) async throws(ClientError) -> [AddSpanInitiateBlockInfo] {
        let shard = request.fileId.shard
        guard !reference.isNull else { return try await persist(request, shard: shard).blocks }
        let near = AddSpanInitiateWithReferenceRequest(req: request, reference: reference)
        return try await persist(near, shard: shard).resp.blocks
    }

    private func initiation(
        of span: EncodedSpan, _ blocks: EncodedBlocks, in file: TransientHandle, at byteOffset: UInt64,
        _ placement: Placement
    ) -> AddSpanInitiateRequest {
        let remembered = core.health.avoidedForWriting(now: loop.monotonicNanoseconds)
        return AddSpanInitiateRequest(
            fileId: file.id, cookie: file.cookie, byteOffset: byteOffset, size: span.logicalBytes, crc: span.crc,
            storageClass: blocks.layout.storageClass, blacklist: placement.blacklist(remembered: remembered),
            parity: blocks.layout.parity, stripes: UInt8(blocks.layout.stripes),
            cellSize: UInt32(blocks.layout.cellBytes), crcs: blocks.cellCRCs)
    }

    // MARK: Certifying

    /// Finishes the span and, to save a round trip, asks for what comes next in the same request or at the same time. A
    /// shard refuses that as long as the span is not finished, so the order in which the two arrive does no harm.
    private func certify(
        _ file: TransientHandle, _ byteOffset: UInt64, _ proofs: [BlockProof], _ sequel: SpanSequel
    ) async throws(ClientError) -> StoredSpan {
        let request = AddSpanCertifyRequest(
            fileId: file.id, cookie: file.cookie, byteOffset: byteOffset, proofs: proofs)
        switch sequel {
        case .nothing:
            break
        case .publication(let publication):
            return try await certify(file, request, publication)
        case .span(let next, let nextOffset):
            guard case .blocks(let blocks) = next.content else { break }
            let placement = Placement(start: 0, limit: 0)
            let initiate = initiation(of: next, blocks, in: file, at: nextOffset, placement)
            async let certified = persistCounted(request, shard: file.id.shard)
            async let placed = persistCounted(initiate, shard: file.id.shard)
            _ = try await certified.get()
            // Refused for whatever reason: it is asked again in its turn.
            guard case .success(let response) = await placed.result else { return StoredSpan() }
            return StoredSpan(nextPlaces: response.blocks)
        }
        _ = try await persist(request, shard: file.id.shard)
        return StoredSpan()
    }

    private func certify(
        _ file: TransientHandle, _ request: AddSpanCertifyRequest, _ publication: Publication
    ) async throws(ClientError) -> StoredSpan {
        if let outcome = await certifyAndPublish(file, request, publication) {
            return try await finish(file, request, outcome)
        }
        async let certified = persistCounted(request, shard: file.id.shard)
        async let published = tryPublishing(file, publication)
        // Published means finished, even if a repeated certification came too late to hear it.
        if let published = await published { return StoredSpan(published: published) }
        let outcome = await certified
        if case .failure(let error) = outcome.result {
            guard outcome.attempts > 1, error.isRefusal(.fileNotFound) else { throw error }
        }
        // Refused for whatever reason: the caller publishes in the usual way and learns it there.
        return StoredSpan()
    }

    /// What certifying and publishing together came to. Where the file was refused its name, only its span is finished:
    /// the caller publishes in the usual way, and learns there why.
    private func finish(
        _ file: TransientHandle, _ request: AddSpanCertifyRequest, _ outcome: CountedResult<PublishedVersion>
    ) async throws(ClientError) -> StoredSpan {
        do throws(ClientError) {
            return StoredSpan(published: try outcome.get())
        } catch {
            guard error.code != nil, !error.isOutage else { throw error }
            if outcome.attempts > 1, error.isRefusal(.fileNotFound) {
                return StoredSpan(published: try await versionPublishedUnheard(file))
            }
        }
        _ = try await persist(request, shard: file.id.shard)
        return StoredSpan()
    }

    /// Publishes a file that may not be finished yet, with one request; nil: that could not be done.
    private func tryPublishing(_ file: TransientHandle, _ publication: Publication) async -> PublishedVersion? {
        if isPlain(publication) {
            let request = LinkFileRequest(
                fileId: file.id, cookie: file.cookie, ownerId: publication.directory, name: publication.name)
            let response = try? await persist(request, shard: file.id.shard)
            return response.map { PublishedVersion(creationTime: $0.creationTime, number: file.id) }
        }
        guard supports(.publishing) else { return nil }
        return try? await publishOnce(file, publication).get()
    }

    // MARK: Blocks

    /// Takes a half-written span off the file's end, by giving it to another transient file that soon expires.
    private func moveAway(_ file: TransientHandle, _ byteOffset: UInt64, _ size: UInt32) async throws(ClientError) {
        let scratch = try await persistently { () throws(ClientError) in
            try await construct(in: file.id.shard, note: Array("bad_add_span_attempt".utf8))
        }
        _ = try await persist(
            MoveSpanRequest(
                spanSize: size, fileId1: file.id, byteOffset1: byteOffset, cookie1: file.cookie, fileId2: scratch.id,
                byteOffset2: 0, cookie2: scratch.cookie),
            shard: file.id.shard)
        await scrap(scratch)
    }

    private static func proofs(
        _ places: [AddSpanInitiateBlockInfo], _ results: [Result<MAC?, ClientError>]
    ) -> [BlockProof]? {
        var proofs: [BlockProof] = []
        for (place, result) in zip(places, results) {
            guard case .success(let proof?) = result else { return nil }
            proofs.append(BlockProof(blockId: place.blockId, proof: proof))
        }
        return proofs
    }

    /// Remembers the services that failed; answers them with the first error.
    private func noteFailures(
        _ places: [AddSpanInitiateBlockInfo], _ results: [Result<MAC?, ClientError>]
    ) -> [Placement.Failure] {
        let now = loop.monotonicNanoseconds
        return zip(places, results).compactMap { place, result in
            guard case .failure(let error) = result else { return nil }
            core.health.writeFailed(place.blockServiceId, domain: place.blockServiceFailureDomain, now: now)
            return Placement.Failure(
                service: place.blockServiceId, domain: place.blockServiceFailureDomain, error: error)
        }
    }

    /// Writes all blocks at the same time and waits for all of them, for a laggard only so long as is reasonable.
    private func write(
        _ blocks: EncodedBlocks, to places: [AddSpanInitiateBlockInfo]
    ) async -> [Result<MAC?, ClientError>] {
        await withUnsafeContinuation { continuation in
            BlockFan.write(blocks, to: places, core: core) { continuation.resume(returning: $0) }
        }
    }
}
