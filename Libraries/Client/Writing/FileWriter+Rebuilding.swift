import EventLoop
import Mutations
import Protocol

// A transient file only grows. So what is changed within it, cut off it, or continued as another file, is stored in a
// successor, front to back, which then takes its place. So is what a lost file had.

extension FileWriter {
    /// A successor is being stored.
    struct Rebuilding {
        let successor: TransientHandle
        /// What is hidden by patches that the successor will have.
        let touched: OffsetSet
        /// Those that were not written over since; the others are still needed afterwards.
        private(set) var absorbed: OffsetSet

        init(successor: TransientHandle, _ touched: OffsetSet) {
            self.successor = successor
            self.touched = touched
            absorbed = touched
        }

        /// It was written to once more.
        mutating func keep(_ range: Range<UInt64>) {
            if !Mutation.patchesDuringRebuildingAreDropped.isPlanted { absorbed.remove(range) }
        }
    }

    /// Rebuildings of one file because it was lost, without a sign of life from its shard in between.
    static let restorationLimit = 3

    /// Whether nothing else can be stored before the file was rebuilt.
    var mustRebuild: Bool {
        if let next = sealed.first {
            // What is patched there has to be stored before.
            return next.byteOffset != ownBytes || wantsPatches && patches.map.end <= next.byteOffset
        }
        return wantsPatches || isEnded && ownBytes != sealedBytes
    }

    private var wantsPatches: Bool { !patches.isEmpty && (isEnded || wantsRebuilding) }

    /// Stores everything up to what is sealed and not stored once more, in another transient file. Unless this one was
    /// not lost at all, but has its name already: then an answer was.
    func rebuild() async throws(ClientError) {
        if isLost {
            if let version = try await version(of: handle) {
                published = version
                isLost = false
                return dropSealed()
            }
            restorations += 1
            guard restorations <= Self.restorationLimit else { throw ClientError(.expired, "keeping of \(handle.id)") }
        }
        let (old, end) = (handle, lowerBytes)
        // One that has nothing yet is as good as another.
        let isFresh = ownBytes == 0 && !isLost
        let since = core.openFiles.clock()
        let successor = isFresh ? old : try await anotherFile()
        if patches.map.end <= end { wantsRebuilding = false }
        var touched = patches.map.touched
        touched.remove(end..<max(end, touched.end))
        rebuilding = Rebuilding(successor: successor, touched)
        defer { rebuilding = nil }
        do throws(ClientError) {
            try await fill(successor, upTo: end, touched)
        } catch {
            if !isFresh { await client.scrap(successor) }
            throw error
        }
        patches.remove(rebuilding?.absorbed.ranges ?? [])
        handle = successor
        base = nil
        ownBytes = end
        isLost = false
        moves &+= 1
        core.openFiles.touched(self, at: since)
        if !isFresh { client.loop.task { [client] in await client.scrap(old) } }
    }

    private func anotherFile() async throws(ClientError) -> TransientHandle {
        try await client.persistently { () throws(ClientError) in
            try await client.construct(in: handle.id.shard, note: note, type: handle.id.type)
        }
    }

    /// What the file was published as; nil when it was not.
    private func version(of file: TransientHandle) async throws(ClientError) -> PublishedVersion? {
        let client = client
        do throws(ClientError) {
            let version = try await client.persistently { () throws(ClientError) in
                try await client.version(of: file.id)
            }
            return PublishedVersion(creationTime: version.attributes.modified, number: version.number)
        } catch {
            guard error.isRefusal(.fileNotFound) else { throw error }
            return nil
        }
    }

    // MARK: Storing

    /// While one span is being stored, the next is read and coded.
    private func fill(_ target: TransientHandle, upTo end: UInt64, _ touched: OffsetSet) async throws(ClientError) {
        var offset: UInt64 = 0
        var ready = await prepared(at: offset, upTo: end, touched, target)
        while offset < end {
            try checkFailure()
            let span = try ready.get()
            let following = offset + UInt64(span.logicalBytes)
            async let next = prepared(at: following, upTo: end, touched, target)
            let outcome = await stored(span, in: target, at: offset)
            ready = await next
            try outcome.get()
            offset = following
        }
    }

    private func stored(
        _ span: EncodedSpan, in target: TransientHandle, at offset: UInt64
    ) async -> Result<Void, ClientError> {
        var held = 0
        if case .blocks(let blocks) = span.content { held = blocks.heldBytes }
        core.uploads.add(held)
        defer { core.uploads.remove(held) }
        do throws(ClientError) {
            try await client.store(span, in: target, at: offset)
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private func prepared(
        at offset: UInt64, upTo end: UInt64, _ touched: OffsetSet, _ target: TransientHandle
    ) async -> Result<EncodedSpan, ClientError> {
        guard offset < end else { return .success(SpanEncoder.inline([], 0)) }
        do throws(ClientError) {
            return .success(
                try await client.outlastingOutages(of: target) { () throws(ClientError) in
                    try await span(at: offset, upTo: end, touched)
                })
        } catch {
            // What is gone now will not come back; the successor's number means something else.
            let isGone = error.isRefusal(.fileNotFound)
            return .failure(isGone ? ClientError(.expired, "rebuilding of \(lowerID)") : error)
        }
    }

    /// What comes next in the successor: a span as it is, or zeros, or bytes that are coded anew.
    private func span(
        at offset: UInt64, upTo end: UInt64, _ touched: OffsetSet
    ) async throws(ClientError) -> EncodedSpan {
        let present = try await client.storedSpan(of: lowerID, at: offset)
        let presentEnd = present.header.byteOffset + UInt64(present.header.size)
        let range = offset..<min(presentEnd, end)
        if present.header.byteOffset == offset, presentEnd <= end,
            !touched.intersects(range) || Mutation.patchedSpansAreCopied.isPlanted,
            let copied = try await copied(present)
        {
            return copied
        }
        let zeros = zeroEnd(from: offset, present, range.upperBound, upTo: end)
        let largest = UInt64(policies.largestSpanBytes)
        if zeros >= range.upperBound || zeros - offset >= largest {
            return SpanEncoder.inline([], UInt32(min(zeros - offset, ClientLimits.holeBytes)))
        }
        let part = offset..<min(range.upperBound, offset + largest)
        return try await client.encoded(try await patched(part), policies)
    }

    /// The span as it is; nil when today's spans are smaller.
    private func copied(_ span: FetchedSpan) async throws(ClientError) -> EncodedSpan? {
        let encoded: EncodedSpan
        if case .inline(let inline) = span.body {
            encoded = SpanEncoder.inline(inline.body, span.header.size)
        } else {
            guard Int(span.header.size) <= policies.largestSpanBytes else { return nil }
            encoded = try await client.encoded(span, from: lowerReader, policies)
        }
        guard encoded.crc == span.header.crc else {
            throw ClientError(.corruptPage, "rebuilding of \(lowerID)", "a span does not match its checksum")
        }
        return encoded
    }

    /// Where zeros end that are known to be there without reading, in whole pages but at the end.
    private func zeroEnd(
        from offset: UInt64, _ present: FetchedSpan, _ presentEnd: UInt64, upTo limit: UInt64
    ) -> UInt64 {
        var end = offset
        if let zeros = patches.map.zeros.next(after: offset), zeros.contains(offset) { end = zeros.upperBound }
        if end < presentEnd, case .inline(let inline) = present.body, inline.body.allSatisfy({ $0 == 0 }) {
            end = min(presentEnd, max(offset, patches.map.data.next(after: offset)?.lowerBound ?? presentEnd))
        }
        return end < limit ? end / UInt64(ClientLimits.pageBytes) * UInt64(ClientLimits.pageBytes) : limit
    }
}

extension Client {
    /// Repeats a step that reads what is stored while servers are away. Meanwhile a file that is being stored must not
    /// expire.
    nonisolated(nonsending) func outlastingOutages<T>(
        of file: TransientHandle? = nil, _ step: nonisolated(nonsending) () async throws(ClientError) -> T
    ) async throws(ClientError) -> T {
        let start = loop.monotonicNanoseconds
        while true {
            do {
                return try await step()
            } catch {
                guard error.mayComeBack, mayPersist(since: start) else { throw error }
                await loop.sleep(nanoseconds: 1_000_000_000)
                // Whether it was lost shows when something is stored in it.
                if let file { try? await renew(file) }
            }
        }
    }

    /// The span of a file, transient and expired or not, that covers `offset`.
    func storedSpan(of file: InodeID, at offset: UInt64) async throws(ClientError) -> FetchedSpan {
        let request = LocalFileSpansRequest(
            fileId: file, byteOffset: offset, limit: 1, mtu: options.datagramBytes)
        let page = try await persist(request, shard: file.shard)
        if let span = page.spans.first, span.header.byteOffset <= offset,
            offset - span.header.byteOffset < UInt64(span.header.size)
        {
            return span
        }
        throw ClientError(.expired, "rebuilding of \(file)")
    }
}
