import Mutations
import Protocol

/// The bodies that one entry changes, each as it will be: reads inside an entry see the state before it, and an entry
/// may come to one body several times.
struct BodyLedger {
    private let state: ShardState
    private let entry: ShardLogEntry
    private var bodies: [InodeID: BodyRecord] = [:]

    init(_ state: ShardState, for entry: ShardLogEntry) {
        self.state = state
        self.entry = entry
    }

    /// The body that a reference names.
    mutating func body(_ id: InodeID) throws(ShardFailure) -> BodyRecord {
        if let body = bodies[id] { return body }
        guard let body = try state.body(id) else { throw .state(.corruptRecord(key: state.keys.body(id))) }
        bodies[id] = body
        return body
    }

    /// A body without spans.
    mutating func makeBody() -> InodeID {
        let id = state.takeID(of: .file)
        bodies[id] = BodyRecord()
        return id
    }

    /// Counts one more reference.
    mutating func retain(_ reference: SpanReference) throws(ShardFailure) {
        var body = try body(reference.body)
        if Mutation.sharedSpanIsNotCounted.isPlanted { return }
        guard body.retain(reference.begin, reference.end) else { throw .refused(.badSpanBody) }
        if Mutation.sharedSpanIsCountedTwice.isPlanted { _ = body.retain(reference.begin, reference.end) }
        bodies[reference.body] = body
    }

    /// Counts one reference less to a range of which `begin ..< end` is the end.
    mutating func release(_ id: InodeID, _ begin: UInt64, _ end: UInt64) throws(ShardFailure) {
        var body = try body(id)
        guard body.release(begin, end) else { throw .state(.corruptRecord(key: state.keys.body(id))) }
        bodies[id] = body
    }

    /// Moves a span to the end of a body, where one reference covers it. Returns where that is.
    mutating func append(_ span: SpanRecord, to id: InodeID) throws(ShardFailure) -> UInt64 {
        var body = try body(id)
        let place = body.size
        try state.putSpan(id, place, span)
        body.append(span.size, count: 1)
        if entry.keepsAttributes { body.holes += span.holeBytes }
        bodies[id] = body
        return place
    }

    /// Takes away the span at `place`, to which there is no reference any more. In its place stand zeros; what is at
    /// the end of a body and not referred to goes.
    mutating func remove(_ span: SpanRecord, at place: UInt64, of id: InodeID) throws(ShardFailure) {
        var body = try body(id)
        state.removeSpan(id, place, span)
        body.holes -= min(body.holes, span.holeBytes)
        if place < body.size {
            try state.putSpan(id, place, .hole(of: span.size))
        } else {
            let count = 1 + (try removeHoles(of: id, from: body.size, before: place))
            guard body.spanCount >= count else { throw .state(.corruptRecord(key: state.keys.body(id))) }
            body.spanCount -= count
        }
        bodies[id] = body
    }

    private func removeHoles(
        of id: InodeID, from begin: UInt64, before end: UInt64
    ) throws(ShardFailure) -> UInt32 {
        var count: UInt32 = 0
        var place = begin
        while place < end {
            guard let hole = try state.extent(id, place)?.ownSpan, hole.isInline, hole.size > 0 else {
                throw .state(.corruptRecord(key: state.keys.span(id, place)))
            }
            state.removeSpan(id, place, hole)
            place += UInt64(hole.size)
            count += 1
        }
        return count
    }

    /// Stores what has become of the bodies.
    func store() throws(ShardFailure) {
        for (id, body) in bodies.sorted(by: { $0.key < $1.key }) {
            guard body.size > 0 else {
                state.removeBody(id)
                continue
            }
            try state.putBody(id, body)
            var file = FileRecord(size: 0, mtime: entry.time, atime: entry.time)
            if case .linked(let record) = try state.inode(id) { file = record }
            guard file.size != body.size else { continue }
            file.size = body.size
            try state.putFile(id, file, wasTransient: false)
        }
    }
}

extension SpanRecord {
    /// Zeros.
    package static func hole(of size: UInt32) -> SpanRecord {
        SpanRecord(size: size, crc: .ofZeros(UInt64(size)), content: .inline([0]))
    }
}
