import Protocol

/// What the files of a shard add up to.
struct FileTally {
    /// The index of files by block service, as the spans want it.
    var index = IndexFingerprint()
    /// How often each part of each body is referred to.
    var references = CountFingerprint()
    /// The same, as the bodies have it.
    var counts = CountFingerprint()
}

/// A sum over how the number of references changes along the bodies: whoever goes from a range's begin to its end adds
/// one there and takes one away here. So references in any order and the counts that they make have one sum, and
/// others have, for all that bit errors and defects do, another.
struct CountFingerprint: Equatable {
    private var sum: UInt64 = 0

    mutating func insert(_ reference: SpanReference) {
        add(1, reference.body, reference.begin)
        add(UInt64(bitPattern: -1), reference.body, reference.end)
    }

    mutating func insert(_ body: BodyRecord, _ id: InodeID) {
        var before: UInt64 = 0
        var begin: UInt64 = 0
        for run in body.runs {
            add(UInt64(run.count) &- before, id, begin)
            before = UInt64(run.count)
            begin = run.end
        }
        add(0 &- before, id, begin)
    }

    private mutating func add(_ change: UInt64, _ body: InodeID, _ byteOffset: UInt64) {
        sum &+= change &* IndexFingerprint.mixed(IndexFingerprint.mixed(body.rawValue) ^ byteOffset)
    }
}
