import Mutations
import Protocol
import Store

/// Goes through a range of a file and gathers what another file needs to show the same bytes, moving the file's own
/// spans into bodies on the way. Bounded by `BodyLimits`.
struct SpanSharing {
    /// What has to be known of the file.
    struct Source {
        var size: UInt64
        var lastSpanState: SpanState
    }

    private let state: ShardState
    private let file: InodeID
    private let source: Source
    private let entry: ShardLogEntry
    private var ledger: BodyLedger
    /// What the other file gets.
    private var extents: [Extent] = []
    /// Its bytes.
    private(set) var length: UInt64 = 0
    /// How many of them are zeros that take no room.
    private(set) var holes: UInt64 = 0
    /// The reference that the file has just before `position`, as it will be.
    private var preceding: (byteOffset: UInt64, reference: SpanReference)?
    private var position: UInt64 = 0
    private var movedSpans = 0
    private var extentCount = 0
    /// The spans of bodies whose zeros were counted.
    private var countedSpans = 0

    init(_ state: ShardState, from file: InodeID, _ source: Source, for entry: ShardLogEntry) {
        self.state = state
        self.file = file
        self.source = source
        self.entry = entry
        ledger = BodyLedger(state, for: entry)
    }

    /// Shares a range, or as much of its beginning as one entry may.
    mutating func share(_ range: CutRange) throws(ShardFailure) {
        position = range.begin
        let iterator = state.extents(of: file)
        iterator.seekForPrevious(state.keys.span(file, range.begin))
        while iterator.isValid, position < range.end {
            let start = try state.byteOffset(at: iterator)
            let extent: Extent = try state.record(at: iterator)
            // Only the first extent may begin before the range, and only a reference.
            guard start + extent.length > position else { throw .refused(.spanNotFound) }
            guard try share(extent, at: start, range) else { break }
            iterator.next()
        }
        try state.check(iterator)
        guard length > 0 else { throw .refused(.spanNotFound) }
    }

    /// Shares an extent as far as the range goes. False: the entry has done enough.
    private mutating func share(_ extent: Extent, at start: UInt64, _ range: CutRange) throws(ShardFailure) -> Bool {
        switch extent {
        case .reference(let reference):
            guard countedSpans < BodyLimits.spans, countsExtent() else { return false }
            let part = try part(of: reference, at: start, range)
            let shared = try holes(of: part)
            holes += shared
            try append(.reference(part))
            preceding = (start, reference)
        case .span(let span):
            guard start == position else { throw .refused(.spanNotFound) }
            if span.isInline {
                guard countsExtent() else { return false }
                guard start + UInt64(span.size) <= range.end else { throw .refused(.badSpanBody) }
                try append(extent)
                holes += span.holeBytes
                preceding = nil
            } else {
                return try shareOwn(span, range)
            }
        }
        return true
    }

    /// The zeros that take no room of what is in a body already. Most bodies have none.
    private mutating func holes(of reference: SpanReference) throws(ShardFailure) -> UInt64 {
        guard entry.keepsAttributes, try ledger.body(reference.body).holes > 0,
            !Mutation.sharedHolesCountAsStored.isPlanted
        else { return 0 }
        var (holes, count): (UInt64, Int) = (0, 0)
        _ = try state.forEachSpan(reference, at: 0, skipping: 0) { _, span in
            holes += span.holeBytes
            count += 1
            return true
        }
        countedSpans += count
        return holes
    }

    private mutating func countsExtent() -> Bool {
        extentCount += 1
        return extentCount <= BodyLimits.extents
    }

    private mutating func append(_ extent: Extent) throws(ShardFailure) {
        if case .reference(let reference) = extent { try ledger.retain(reference) }
        extents.append(extent)
        length += extent.length
        position += extent.length
    }

    /// The part of a reference that lies in the range, from `position` on.
    private func part(
        of reference: SpanReference, at start: UInt64, _ range: CutRange
    ) throws(ShardFailure) -> SpanReference {
        let begin = reference.begin + (position - start)
        if begin != reference.begin, try state.extent(reference.body, begin) == nil { throw .refused(.spanNotFound) }
        let rest = reference.from(begin)
        if start + reference.length <= range.end { return rest }
        let end = begin + (range.end - position)
        let (place, span) = try state.span(of: reference.body, before: end)
        let spanEnd = place + UInt64(span.size)
        if spanEnd == end {
            return SpanReference(body: rest.body, begin: begin, end: end)
        }
        // As the file shows it: it may be cut already.
        let visible = reference.visible(span, at: place)
        let kept = try range.cut(visible, at: start + (place - reference.begin))
        return SpanReference(
            body: rest.body, begin: begin, end: spanEnd, length: place + UInt64(kept.size) - begin, cutCRC: kept.crc)
    }

    /// Moves a span of the file's own, at `position`, into a body and shares it. False: the entry has done enough.
    private mutating func shareOwn(_ span: SpanRecord, _ range: CutRange) throws(ShardFailure) -> Bool {
        let start = position
        let end = start + UInt64(span.size)
        if end == source.size, source.lastSpanState != .clean {
            guard length > 0 else { throw .refused(.lastSpanStateNotClean) }
            return false
        }
        guard movedSpans < BodyLimits.movedSpans else { return false }
        movedSpans += 1
        var cut: (size: UInt32, crc: CRC32C)?
        if end > range.end { cut = try range.cut(span, at: start) }
        let body = try bodyForNext(before: start)
        state.removeSpan(file, start, span)
        let place = try ledger.append(span, to: body)
        let moved = SpanReference(body: body, begin: place, end: place + UInt64(span.size))
        try put(moved, at: start)
        var shared = moved
        if let cut { (shared.length, shared.cutCRC) = (UInt64(cut.size), cut.crc) }
        try append(.reference(shared))
        holes += span.holeBytes(upTo: UInt32(clamping: shared.length))
        return true
    }

    /// Stores the reference that the file has in place of a span, as part of the one before it if it goes on there.
    private mutating func put(_ reference: SpanReference, at start: UInt64) throws(ShardFailure) {
        if let before = preceding, let joined = before.reference.joined(with: reference) {
            preceding = (before.byteOffset, joined)
        } else {
            preceding = (start, reference)
        }
        if let preceding { try state.putReference(file, preceding.byteOffset, preceding.reference) }
    }

    /// Where the file's own span at `start` is to be moved: to the end of the body that the file refers to just before,
    /// if that has room, so that a file which grows has few references.
    private mutating func bodyForNext(before start: UInt64) throws(ShardFailure) -> InodeID {
        if preceding == nil, start > 0, case (let place, .reference(let reference))? =
            try state.lastExtent(file, notAfter: start - 1)
        {
            preceding = (place, reference)
        }
        if let reference = preceding?.reference, !reference.isCut {
            let body = try ledger.body(reference.body)
            if body.size == reference.end, body.spanCount < BodyLimits.spans, ShardCore.isPageAligned(body.size) {
                return reference.body
            }
        }
        return ledger.makeBody()
    }

    /// What the other file, which ends at `end`, gets where: neighbours that go on in one body are one reference, also
    /// with what the file ends with.
    func placed(in file: InodeID, at end: UInt64) throws(ShardFailure) -> [(byteOffset: UInt64, extent: Extent)] {
        var placed: [(byteOffset: UInt64, extent: Extent)] = []
        if end > 0, case (let place, .reference(let reference))? = try state.lastExtent(file, notAfter: end - 1) {
            placed.append((place, .reference(reference)))
        }
        var position = end
        for extent in extents {
            if case .reference(let next) = extent, case (let place, .reference(let last))? = placed.last,
                let joined = last.joined(with: next)
            {
                placed[placed.count - 1] = (place, .reference(joined))
            } else {
                placed.append((position, extent))
            }
            position += extent.length
        }
        return placed
    }

    func store() throws(ShardFailure) { try ledger.store() }
}
