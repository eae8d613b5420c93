import Protocol

/// Where a file that is continued is open again. What lies behind is stored once more, together with what is added.
///
/// Who adds little again and again would otherwise leave a span for each time. So the last span is taken in as long as
/// it is small, and others before it that are less than twice as long as all that follows: spans then grow towards the
/// beginning like powers of two, and each byte is stored again a logarithmic number of times. Pure.
package struct OpenStart: Hashable, Sendable {
    /// So much is stored again whenever something is added.
    package static let smallBytes: UInt64 = 64 << 10
    /// Spans that begin before so many bytes from the end need not be known.
    static let lookedAtBytes: UInt64 = 1 << 20

    /// The beginning of a span, or of the last page that is not whole.
    package let offset: UInt64
    /// Whether all behind it is zeros.
    package let isHole: Bool

    /// - Parameters:
    ///   - spans: the last ones, in order, up to the end of the file.
    ///   - endsInHole: whether the last of them is zeros that are not stored: it cannot be cut, and costs nothing.
    ///   - limit: bytes that may be open.
    package init(_ spans: [Range<UInt64>], endsInHole: Bool = false, size: UInt64, limit: UInt64) {
        let page = UInt64(ClientLimits.pageBytes)
        guard let last = spans.last, last.count <= min(Self.smallBytes, limit) else {
            isHole = endsInHole
            offset = endsInHole ? spans.last?.lowerBound ?? 0 : size / page * page
            return
        }
        var start = last.lowerBound
        for span in spans.dropLast().reversed() {
            guard UInt64(span.count) < 2 * (size - start), size - span.lowerBound <= limit else { break }
            start = span.lowerBound
        }
        isHole = false
        offset = start
    }
}
