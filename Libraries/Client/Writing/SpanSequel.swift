import Protocol

/// What follows a span that is being stored, and can be asked of the shard in the same breath as its end.
package enum SpanSequel: Sendable {
    case nothing
    /// It is the last one, and the file gets this name.
    case name(PendingName)
    /// The next span is coded already.
    case span(EncodedSpan, byteOffset: UInt64)
}

/// A name that a file is to get.
package struct PendingName: Sendable {
    package let directory: InodeID
    package let name: [UInt8]

    package init(directory: InodeID, name: [UInt8]) {
        self.directory = directory
        self.name = name
    }
}

/// What came of storing a span, apart from its being stored.
package struct StoredSpan: Sendable {
    /// Creation time of the file's name, if it has it already.
    package var creationTime: Timestamp?
    /// Where the blocks of the next span go, if the shard said so already.
    package var nextPlaces: [AddSpanInitiateBlockInfo]?
    /// Its blocks, in order; none of a span that the shard keeps itself.
    package var blocks: [BlockID] = []

    package init(creationTime: Timestamp? = nil, nextPlaces: [AddSpanInitiateBlockInfo]? = nil) {
        self.creationTime = creationTime
        self.nextPlaces = nextPlaces
    }
}
