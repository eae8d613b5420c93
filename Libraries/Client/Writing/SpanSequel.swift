import Protocol

/// What follows a span that is being stored, and can be asked of the shard in the same breath as its end.
package enum SpanSequel: Sendable {
    case nothing
    /// It is the last one, and the file is published.
    case publication(Publication)
    /// The next span is coded already.
    case span(EncodedSpan, byteOffset: UInt64)
}

/// What came of storing a span, apart from its being stored.
package struct StoredSpan: Sendable {
    /// What became of the file, if it is published already.
    package var published: PublishedVersion?
    /// Where the blocks of the next span go, if the shard said so already.
    package var nextPlaces: [AddSpanInitiateBlockInfo]?
    /// Its blocks, in order; none of a span that the shard keeps itself.
    package var blocks: [BlockID] = []

    package init(published: PublishedVersion? = nil, nextPlaces: [AddSpanInitiateBlockInfo]? = nil) {
        self.published = published
        self.nextPlaces = nextPlaces
    }
}
