extension SpanPolicy {
    /// The parity for a span of `size` data bytes, nil when no span may be that large (wire-protocol.md 11).
    ///
    /// Looks from the end for the first entry that is too small and takes the one after it. In a sorted list that is
    /// the first large enough; in an unsorted one it is what other clients take.
    public func parity(forSize size: UInt64) -> Parity? {
        guard let last = entries.last, size <= last.maxSize else { return nil }
        let tooSmall = entries.dropLast().lastIndex { size > $0.maxSize }
        return entries[tooSmall.map { $0 + 1 } ?? 0].parity
    }

    /// The size in bytes of the largest span; nil for an unusable policy without entries.
    public var maximumSpanSize: UInt32? { entries.last?.maxSize }
}
