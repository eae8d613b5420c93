import DequeModule
import EventLoop
import Protocol
import Synchronization

/// Reads a finished file, whose contents never change. Fetches only the pages asked for, from all their blocks at once;
/// reads ahead once it is read in order. Every page is checked before its bytes are handed out.
public actor FileReader {
    public nonisolated let client: Client
    public nonisolated let id: InodeID
    /// Length in bytes.
    public nonisolated let size: UInt64
    nonisolated let core: ClientCore

    private var readAhead = ReadAhead()
    /// Chunks that sequential reading has passed, oldest first.
    private var passed = Deque<Chunk.Key>()
    private var passedBytes = 0

    /// What a chunk is made for.
    private enum Use: Equatable {
        case once, inOrder
        /// What could not be had at first. A damaged page here and another there may be too much for whole blocks, and
        /// not for the pages that are wanted.
        case again
        /// Reading ahead, so many bytes at most.
        case ahead(limit: Int)
    }

    /// Bytes of a chunk, fetched in one request and cached as one, unless it is a whole block.
    package static let chunkBytes = 1 << 20
    /// Blocks of one cell up to this size are fetched whole whatever is wanted of them.
    private static let smallBlockBytes = 256 << 10
    /// Bytes of passed chunks that are kept for reads that were overtaken.
    private static let passedLimitBytes = 8 << 20

    public nonisolated var unownedExecutor: UnownedSerialExecutor { client.unownedExecutor }

    /// A reader of a file whose size is known already, without asking for it.
    public init(client: Client, id: InodeID, size: UInt64) {
        self.client = client
        self.id = id
        self.size = size
        core = client.core
    }

    deinit {
        if readAhead.isActive { core.sequentialReaders.subtract(1, ordering: .relaxed) }
    }

    /// The bytes at `offset`; fewer than `count` only at the end of the file.
    public func read(at offset: UInt64, count: Int) async throws(ClientError) -> FileData {
        guard let range = clamped(offset, count) else { return FileData() }
        let isSequential = note(range)
        defer { prefetch() }
        var attempts = 0
        var use: Use = isSequential ? .inOrder : .once
        while true {
            do {
                let pieces = try await plan(range)
                return try await gather(pieces, isSequential, use)
            } catch {
                // Blocks may have moved since the spans were asked for.
                guard attempts < 2, error.cause == .tooManyBlocksMissing || error.cause == .unavailable else { throw error }
                core.spans.forget(id, range)
            }
            attempts += 1
            use = .again
        }
    }

    /// As `read`, when everything is at hand; nil otherwise. Call it on the client's loop.
    public nonisolated func readNow(at offset: UInt64, count: Int) -> FileData? {
        assumeIsolated { reader in
            guard let range = reader.clamped(offset, count) else { return FileData() }
            guard
                case .complete(let pieces) = ReadPiece.plan(
                    range, of: reader.id, in: reader.core.spans, unit: Self.chunkBytes),
                let data = reader.assembleCached(pieces)
            else { return nil }
            if reader.note(range) { reader.dropPassed(pieces, data.chunks) }
            reader.prefetch()
            return data.data
        }
    }

    private func clamped(_ offset: UInt64, _ count: Int) -> Range<UInt64>? {
        guard offset < size, count > 0 else { return nil }
        return offset..<offset + min(UInt64(count), size - offset)
    }

    // MARK: Spans

    private func plan(_ range: Range<UInt64>) async throws(ClientError) -> [ReadPiece] {
        var loaded = 0
        while true {
            switch ReadPiece.plan(range, of: id, in: core.spans, unit: Self.chunkBytes) {
            case .complete(let pieces): return pieces
            case .missing(let offset):
                // A page of spans covers many MiB; a range needs more only where it meets their end.
                guard loaded < 1000 else {
                    throw ClientError(.malformedAnswer, "read of \(id)", "its spans have gaps")
                }
                loaded += 1
                try await loadSpans(at: offset)
            }
        }
    }

    private func loadSpans(at offset: UInt64) async throws(ClientError) {
        _ = try await client.spans(of: id, from: offset)
        guard core.spans.span(of: id, at: offset) != nil else {
            throw ClientError(.malformedAnswer, "LOCAL_FILE_SPANS of \(id)", "nothing at offset \(offset)")
        }
    }

    // MARK: Pages

    private func gather(
        _ pieces: [ReadPiece], _ isSequential: Bool, _ use: Use
    ) async throws(ClientError) -> FileData {
        var chunks: [Chunk?] = []
        for piece in pieces {
            let chunk = chunk(for: piece, use)
            if let chunk { core.chunkReader.start(chunk) }
            chunks.append(chunk)
        }
        let memories = try await ready(chunks)
        if isSequential { dropPassed(pieces, chunks) }
        return assemble(pieces, memories, chunks)
    }

    private func chunk(for piece: ReadPiece, _ use: Use) -> Chunk? {
        guard case .data(let span, let layout, let range) = piece else { return nil }
        let block = layout.dataBlocks == 1 ? span.preferredCopy : range.block
        if let known = cached(span, layout, block, range), known.isReady || use != .again { return known }
        let unit = range.aligned(unit: Self.chunkBytes)
        let wanted =
            switch use {
            // A small block is verified as a whole, so it is fetched as a whole.
            case .once: isSmall(layout) ? 0..<layout.blockBytes : range.pages
            case .again: range.pages
            case .inOrder: unit
            case .ahead(let limit): isFetchedWhole(span, layout, range, limit) ? 0..<layout.blockBytes : unit
            }
        let isForOnce = wanted == range.pages && (use == .once || use == .again)
        return core.chunkReader.chunk(span, block: block, wanted, keeps: !isForOnce)
    }

    private func isSmall(_ layout: SpanLayout) -> Bool {
        layout.stripes == 1 && layout.blockBytes <= Self.smallBlockBytes
    }

    /// Whether all of a block is fetched at once whose beginning is wanted: then it can be verified without its page sums,
    /// for which its service would have to read it twice. Reading ahead has to reach as far as a span for that, or the
    /// reader waits for the end of each. Not for blocks that are mostly padding.
    private func isFetchedWhole(
        _ span: SpanInfo, _ layout: SpanLayout, _ range: ReadPiece.CellRange, _ limit: Int
    ) -> Bool {
        range.wanted.lowerBound == 0 && layout.paddedBytes <= limit
            && UInt64(layout.paddedBytes) <= max(2 * span.logicalBytes, UInt64(Self.smallBlockBytes))
    }

    private func cached(
        _ span: SpanInfo, _ layout: SpanLayout, _ block: Int, _ range: ReadPiece.CellRange
    ) -> Chunk? {
        let unit = core.chunkReader.cached(span, block: block, range.aligned(unit: Self.chunkBytes))
        if let unit, unit.isReady { return unit }
        return core.chunkReader.cached(span, block: block, 0..<layout.blockBytes) ?? unit
    }

    /// Waits for all chunks; their memory in the same order.
    private func ready(_ chunks: [Chunk?]) async throws(ClientError) -> [PooledBuffer?] {
        var memories: [PooledBuffer?] = chunks.map { $0?.memory }
        if zip(chunks, memories).allSatisfy({ $0 == nil || $1 != nil }) { return memories }
        let waiting = ChunkWait(chunks)
        try await waiting.wait()
        memories = chunks.map { $0?.memory }
        return memories
    }

    private func assembleCached(_ pieces: [ReadPiece]) -> (data: FileData, chunks: [Chunk?])? {
        var chunks: [Chunk?] = []
        for piece in pieces {
            guard case .data(let span, let layout, let range) = piece else {
                chunks.append(nil)
                continue
            }
            let block = layout.dataBlocks == 1 ? span.preferredCopy : range.block
            guard let known = cached(span, layout, block, range), known.isReady else { return nil }
            chunks.append(known)
        }
        return (assemble(pieces, chunks.map { $0?.memory }, chunks), chunks)
    }

    /// What was read to its end in order is not likely to be read again soon, and what is above this client has its own
    /// cache: the memory is better used for what comes next, while it is still in the processor's cache.
    private func dropPassed(_ pieces: [ReadPiece], _ chunks: [Chunk?]) {
        for case (.data(_, _, let range), let chunk?) in zip(pieces, chunks)
        where range.wanted.upperBound == chunk.key.offset + chunk.key.count && chunk.key != passed.last {
            passed.append(chunk.key)
            passedBytes += chunk.key.count
        }
        while passedBytes > Self.passedLimitBytes, passed.count > 1, let oldest = passed.popFirst() {
            passedBytes -= oldest.count
            core.chunks.remove(oldest)
        }
    }

    private func assemble(_ pieces: [ReadPiece], _ memories: [PooledBuffer?], _ chunks: [Chunk?]) -> FileData {
        var data = FileData()
        for (index, piece) in pieces.enumerated() {
            switch piece {
            case .zeros(let count): data.appendZeros(count, core.zeros)
            case .inline(let bytes): data.append(bytes, from: core.pool)
            case .data(_, _, let range):
                guard let memory = memories[index], let chunk = chunks[index] else { continue }
                data.append(memory, range.wanted.lowerBound - chunk.key.offset, range.wanted.count)
            }
        }
        return data
    }

    // MARK: Reading ahead

    private func note(_ range: Range<UInt64>) -> Bool {
        let wasActive = readAhead.isActive
        readAhead.note(range)
        if readAhead.isActive, !wasActive { core.sequentialReaders.add(1, ordering: .relaxed) }
        if !readAhead.isActive, wasActive { core.sequentialReaders.subtract(1, ordering: .relaxed) }
        return readAhead.isActive
    }

    private func prefetch() {
        let share = client.options.readCacheBytes / 2 / max(1, core.sequentialReaders.load(ordering: .relaxed))
        // Far enough for whole spans, if memory allows that for two.
        let spanBytes = core.spans.span(of: id, at: readAhead.end).map { Int(clamping: $0.logicalBytes) } ?? 0
        let limit = min(max(client.options.readAheadBytes, spanBytes + spanBytes / 8), share)
        guard let range = readAhead.takePrefetch(end: size, limit: limit) else { return }
        prefetch(range, limit)
    }

    private func prefetch(_ wanted: Range<UInt64>, _ limit: Int) {
        // Reading may have gone on while spans were asked for.
        let range = max(wanted.lowerBound, min(readAhead.end, wanted.upperBound))..<wanted.upperBound
        switch ReadPiece.plan(range, of: id, in: core.spans, unit: Self.chunkBytes) {
        case .complete(let pieces):
            for piece in pieces {
                if let chunk = chunk(for: piece, .ahead(limit: limit)) {
                    core.chunkReader.start(chunk, isAwaited: false)
                }
            }
        case .missing(let offset):
            if offset > range.lowerBound { prefetch(range.lowerBound..<offset, limit) }
            let rest = offset..<range.upperBound
            client.loop.task {
                // Whether it works out or not is seen by the read that needs it.
                guard (try? await self.loadSpans(at: offset)) != nil else { return }
                await self.prefetch(rest, limit)
            }
        }
    }
}

extension Client {
    /// As many spans of a file as fit an answer, from the one at `offset` on. They are remembered.
    func spans(of file: InodeID, from offset: UInt64) async throws(ClientError) -> [SpanInfo] {
        let page = try await call(
            LocalFileSpansRequest(fileId: file, byteOffset: offset, limit: 0, mtu: options.datagramBytes),
            shard: file.shard)
        var spans: [SpanInfo] = []
        for span in page.spans {
            do throws(ImpossibleSpan) {
                spans.append(try SpanInfo(span, services: page.blockServices))
            } catch {
                throw error.error("LOCAL_FILE_SPANS of \(file)")
            }
        }
        core.spans.insert(spans, of: file)
        return spans
    }
}
