extension StripePolicy {
    /// The greatest number of stripes of a span.
    public static let maximumStripes = 15

    /// The number of stripes (1...15) of a span of `size` data bytes.
    public func stripes(forSize size: UInt64) -> Int {
        guard targetStripeSize > 0 else { return 1 }
        return Int(max(1, min(size / UInt64(targetStripeSize), UInt64(Self.maximumStripes))))
    }
}
