import Protocol

/// The three policies that decide how a file's data is cut and coded, checked for use.
public struct WritePolicies: Hashable, Sendable {
    public let span: SpanPolicy
    public let block: BlockPolicy
    public let stripe: StripePolicy
    /// Bytes of a full span: the last entry's limit, cut to whole pages.
    public let largestSpanBytes: Int

    /// nil when a writer cannot use these: an empty list, spans below a page or above 100 MiB, or no stripe size.
    public init?(span: SpanPolicy, block: BlockPolicy, stripe: StripePolicy) {
        guard let last = span.entries.last, !block.entries.isEmpty, stripe.targetStripeSize > 0,
            span.entries.allSatisfy({ $0.parity.data > 0 && ($0.parity.data == 1 || $0.parity.parity > 0) })
        else { return nil }
        let largest = Int(last.maxSize) / ClientLimits.pageBytes * ClientLimits.pageBytes
        guard largest > 0, largest <= ClientLimits.spanBytes else { return nil }
        self.span = span
        self.block = block
        self.stripe = stripe
        largestSpanBytes = largest
    }

    /// The layout for a span that stores `dataBytes` bytes, 1…`largestSpanBytes` (services.md C.6).
    public func layout(dataBytes: Int) -> SpanLayout? {
        guard dataBytes > 0, dataBytes <= largestSpanBytes, let parity = span.parity(forSize: UInt64(dataBytes))
        else { return nil }
        let stripes = stripe.stripes(forSize: UInt64(dataBytes))
        let block = dataBytes.dividedRoundingUp(by: Int(parity.data))
        let cell = block.dividedRoundingUp(by: stripes).roundedUp(toMultipleOf: ClientLimits.pageBytes)
        guard let storageClass = self.block.storageClass(forBlockSize: UInt64(cell * stripes)) else { return nil }
        return SpanLayout(
            parity: parity, stripes: UInt8(stripes), cellBytes: UInt32(cell), storageClass: storageClass)
    }
}

extension Int {
    package func dividedRoundingUp(by divisor: Int) -> Int { (self + divisor - 1) / divisor }
    package func roundedUp(toMultipleOf unit: Int) -> Int { dividedRoundingUp(by: unit) * unit }
}
