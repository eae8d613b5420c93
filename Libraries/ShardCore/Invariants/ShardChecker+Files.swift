import Protocol

extension ShardChecker {
    /// S1, S2, S13–S18, S20, S21, with linked files, transient files and spans side by side. Returns what the index
    /// of files by block service has to contain.
    func checkFiles() throws(ShardStateError) -> IndexFingerprint {
        var files = try cursor(.files, StoredInode<FileRecord>.init)
        var transients = try cursor(.transientFiles, StoredInode<TransientFileRecord>.init)
        var spans = try cursor(.spans, StoredSpan.init)
        var index = IndexFingerprint()
        while let id = Self.first(files.current?.id, transients.current?.id, spans.current?.file) {
            var file: FileRecord?
            if let found = files.current, found.id == id {
                file = found.record
                try files.advance()
            }
            var transient: TransientFileRecord?
            if let found = transients.current, found.id == id {
                transient = found.record
                try transients.advance()
            }
            checkInode(id, file, transient)
            try checkContents(id, file, transient, &spans, &index)
        }
        return index
    }

    /// The lowest of the ids that are there.
    static func first(_ ids: InodeID?...) -> InodeID? {
        var lowest: InodeID?
        for case let id? in ids where lowest.map({ id < $0 }) ?? true { lowest = id }
        return lowest
    }

    private func checkInode(_ id: InodeID, _ file: FileRecord?, _ transient: TransientFileRecord?) {
        expect(id.isFile && id.shard == shard, .s1, at: "file \(id)", "does not belong into shard \(shard)")
        guard file != nil || transient != nil else { return }
        expect(file == nil || transient == nil, .s2, at: "file \(id)", "is linked and transient at once")
        let last = id.type == .symlink ? progress.lastSymlink : progress.lastFile
        expect(id <= last, .s21, at: "file \(id)", "was never given out, the last was \(last)")
        if let transient { checkSuperseded(id, transient) }
        fact(.file(id, isLinked: file != nil))
    }

    /// Walks through the spans of a file.
    private func checkContents(
        _ id: InodeID, _ file: FileRecord?, _ transient: TransientFileRecord?,
        _ spans: inout RecordCursor<StoredSpan>, _ index: inout IndexFingerprint
    ) throws(ShardStateError) {
        let size = file?.size ?? transient?.size
        var end: UInt64 = 0
        var last: SpanRecord?
        var isTiled = true
        while let found = spans.current, found.file == id {
            if found.byteOffset != end || found.span.size == 0 { isTiled = false }
            end = found.byteOffset &+ UInt64(found.span.size)
            checkShape(found)
            last = found.span
            try spans.advance()
            let isLast = spans.current?.file != id
            let isStored = !isLast || file != nil || transient?.lastSpanState == .clean
            checkBlocks(found, isStored: isStored, &index)
        }
        guard let size else {
            return expect(false, .s14, at: "file \(id)", "has spans up to \(end) but does not exist")
        }
        expect(isTiled, .s13, at: "file \(id)", "its spans leave gaps, overlap or are empty")
        expect(end == size, .s13, at: "file \(id)", "its spans end at \(end), the file at \(size)")
        if file == nil, let transient, transient.lastSpanState != .clean {
            let isFine = last.map { !$0.isInline && (transient.lastSpanState == .condemned || $0.locations.count == 1) }
            expect(
                isFine ?? false, .s16, at: "file \(id)",
                "its last span is \(transient.lastSpanState), but it does not end with a block span that can be so")
        }
    }

    /// S17
    private func checkShape(_ found: StoredSpan) {
        let span = found.span
        var isFine = found.byteOffset % UInt64(SpanLimits.pageSize) == 0
        if !span.isInline {
            isFine = isFine && span.size <= SpanLimits.maximumSpanSize
            isFine = isFine && Set(span.locations.map(\.location)).count == span.locations.count
            for location in span.locations { isFine = isFine && Self.isPossible(location) }
        }
        expect(
            isFine, .s17, at: "file \(found.file), span at \(found.byteOffset)",
            "offset, size, parity, stripes, cells, class or locations are outside of what can be")
    }

    private static func isPossible(_ location: SpanLocation) -> Bool {
        SpanLimits.stripes.contains(location.stripes) && location.parity.isValid && location.cellSize > 0
            && location.cellSize % SpanLimits.pageSize == 0
            && (location.storageClass == .hdd || location.storageClass == .flash)
    }
}
