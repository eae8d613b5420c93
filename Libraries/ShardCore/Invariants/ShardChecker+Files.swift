import Protocol

extension ShardChecker {
    /// S1, S2, S13–S18, S20, S21, S23 and S25, with linked files, transient files, bodies and spans side by side.
    /// Returns what the index of files by block service has to contain, and how references and counts compare.
    func checkFiles() throws(ShardStateError) -> FileTally {
        var files = try cursor(.files, StoredInode<FileRecord>.init)
        var transients = try cursor(.transientFiles, StoredInode<TransientFileRecord>.init)
        var bodies = try cursor(.bodies, StoredInode<BodyRecord>.init)
        var extents = try cursor(.spans, StoredExtent.init)
        var tally = FileTally()
        while let id = Self.first(
            files.current?.id, transients.current?.id, bodies.current?.id, extents.current?.file)
        {
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
            var body: BodyRecord?
            if let found = bodies.current, found.id == id {
                body = found.record
                try bodies.advance()
            }
            checkInode(id, file, transient, body)
            if let file = file ?? transient?.supersededVersion {
                try check(file.attributes, of: id, size: file.size, version: nil)
            }
            if let body { check(body, of: id, file, &tally) }
            try checkContents(id, file, transient, body, &extents, &tally)
        }
        return tally
    }

    /// The lowest of the ids that are there.
    static func first(_ ids: InodeID?...) -> InodeID? {
        var lowest: InodeID?
        for case let id? in ids where lowest.map({ id < $0 }) ?? true { lowest = id }
        return lowest
    }

    private func checkInode(
        _ id: InodeID, _ file: FileRecord?, _ transient: TransientFileRecord?, _ body: BodyRecord?
    ) {
        expect(id.isFile && id.shard == shard, .s1, at: "file \(id)", "does not belong into shard \(shard)")
        guard file != nil || transient != nil else { return }
        expect(file == nil || transient == nil, .s2, at: "file \(id)", "is linked and transient at once")
        let last = id.type == .symlink ? progress.lastSymlink : progress.lastFile
        expect(id <= last, .s21, at: "file \(id)", "was never given out, the last was \(last)")
        if let transient { checkSuperseded(id, transient) }
        fact(.file(id, file == nil ? .transient : body == nil ? .linked : .body))
    }

    /// Walks through the extents of a file.
    private func checkContents(
        _ id: InodeID, _ file: FileRecord?, _ transient: TransientFileRecord?, _ body: BodyRecord?,
        _ extents: inout RecordCursor<StoredExtent>, _ tally: inout FileTally
    ) throws(ShardStateError) {
        let size = file?.size ?? transient?.size
        var end: UInt64 = 0
        var last: SpanRecord?
        var isTiled = true
        var count: UInt32 = 0
        while let found = extents.current, found.file == id {
            if found.byteOffset != end || found.extent.length == 0 { isTiled = false }
            end = found.byteOffset &+ found.extent.length
            count &+= 1
            last = found.extent.ownSpan
            try extents.advance()
            let isLast = extents.current?.file != id
            switch found.extent {
            case .span(let span):
                let own = StoredSpan(file: id, byteOffset: found.byteOffset, span: span)
                checkShape(own)
                if let body { check(own, of: body) }
                let isStored = !isLast || file != nil || transient?.lastSpanState == .clean
                checkBlocks(own, isStored: isStored, &tally.index)
            case .reference(let reference):
                expect(body == nil, .s25, at: "file \(id)", "others refer to it, and it refers to \(reference.body)")
                try check(reference, of: id, at: found.byteOffset)
                tally.references.insert(reference)
            }
        }
        if let body {
            expect(
                body.spanCount == count, .s25, at: "file \(id)", "has \(count) spans, counted as \(body.spanCount)")
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
