import Protocol
import Store

// Shared spans (README.md): S23, S24 and S25.

extension ShardChecker {
    /// S25 of a body by itself.
    func check(_ body: BodyRecord, of id: InodeID, _ file: FileRecord?, _ tally: inout FileTally) {
        tally.counts.insert(body, id)
        let place = "file \(id)"
        expect(id.isFile && id.shard == shard, .s1, at: place, "does not belong into shard \(shard)")
        guard let file else { return expect(false, .s25, at: place, "is referred to but is no linked file") }
        expect(body.size == file.size, .s25, at: place, "is counted up to \(body.size), the file ends at \(file.size)")
        expect(body.spanCount <= BodyLimits.spans, .s25, at: place, "has \(body.spanCount) spans")
        let isMerged = zip(body.runs, body.runs.dropFirst()).allSatisfy { $0.count != $1.count }
        expect(body.holes <= body.size, .s25, at: place, "has \(body.holes) bytes of holes in \(body.size)")
        expect(isMerged && body.runs.last?.count ?? 0 > 0, .s25, at: place, "its counts are not as they are written")
    }

    /// S25 of a span of a body: blocks where there are references, zeros where there are none.
    func check(_ found: StoredSpan, of body: BodyRecord) {
        let count = body.count(at: found.byteOffset)
        let end = found.byteOffset &+ UInt64(found.span.size)
        expect(
            end > found.byteOffset && body.count(at: end &- 1) == count
                && !body.runs.contains { $0.end > found.byteOffset && $0.end < end }, .s25, at: found.place,
            "references begin or end inside it")
        expect(
            found.span.isInline == (count == 0), .s25, at: found.place,
            count == 0 ? "has blocks although nobody refers to it" : "has no blocks although \(count) refer to it")
        expect(
            count > 0 || found.span == .hole(of: found.span.size), .s25, at: found.place,
            "nobody refers to it, and it is not zeros")
    }

    /// S23: a reference leads to whole spans of a body, but for the end of a cut one.
    func check(_ reference: SpanReference, of file: InodeID, at byteOffset: UInt64) throws(ShardStateError) {
        let place = "file \(file), reference at \(byteOffset)"
        let page = UInt64(SpanLimits.pageSize)
        expect(byteOffset % page == 0, .s17, at: place, "begins inside a page")
        let bytes = try value(of: keys.body(reference.body))
        guard let body = bytes.flatMap({ try? BodyRecord(decoding: $0) }) else {
            return expect(false, .s23, at: place, "names \(reference.body), which is nothing to refer to")
        }
        let first = try value(of: keys.span(reference.body, reference.begin))
        let next = try value(of: keys.span(reference.body, reference.end))
        let isWhole = first != nil && (next != nil || reference.end == body.size)
        expect(
            isWhole && reference.end <= body.size, .s23, at: place,
            "does not begin and end with spans of \(reference.body)")
        guard reference.isCut else { return }
        let last = try lastSpan(of: reference.body, before: reference.end)
        let isFine = last.map { reference.begin &+ reference.length > $0 && reference.length % page == 0 } ?? false
        expect(isFine, .s23, at: place, "is cut at \(reference.length), which is not inside its last span")
    }

    /// Where the last span of a body before `end` begins.
    private func lastSpan(of body: InodeID, before end: UInt64) throws(ShardStateError) -> UInt64? {
        let iterator = store.iterator(from: keys.span(body, 0), upTo: keys.span(body, end))
        iterator.seekToLast()
        let byteOffset = iterator.isValid && iterator.key.count == 18 ? iterator.key.bigEndian(at: 10) : nil
        do throws(StoreError) {
            try iterator.checkStatus()
        } catch {
            throw .store(error)
        }
        return byteOffset
    }

    /// S24. Only when the sums differ are the references of each body added up, which takes memory for all of them.
    func checkCounts(_ tally: FileTally) throws(ShardStateError) {
        guard tally.counts != tally.references else { return }
        var changes: [InodeID: [UInt64: Int64]] = [:]
        var extents = try cursor(.spans, StoredExtent.init, reportsUnreadable: false)
        while let found = extents.current {
            if case .reference(let reference) = found.extent {
                changes[reference.body, default: [:]][reference.begin, default: 0] += 1
                changes[reference.body, default: [:]][reference.end, default: 0] -= 1
            }
            try extents.advance()
        }
        var bodies = try cursor(.bodies, StoredInode<BodyRecord>.init, reportsUnreadable: false)
        while let found = bodies.current {
            check(found.record, of: found.id, against: changes[found.id] ?? [:])
            try bodies.advance()
        }
    }

    private func check(_ body: BodyRecord, of id: InodeID, against changes: [UInt64: Int64]) {
        var count: Int64 = 0
        for bound in Set(changes.keys).union(body.runs.map(\.end)).union([0]).sorted() {
            count += changes[bound] ?? 0
            let counted = Int64(body.count(at: bound))
            guard counted != count else { continue }
            return expect(
                false, .s24, at: "file \(id)", "at \(bound), \(count) references are counted as \(counted)")
        }
    }
}
