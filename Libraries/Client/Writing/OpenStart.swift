import Protocol

/// Where a file that is continued is open again. What lies behind is stored once more, together with what is added.
///
/// Who adds little again and again would otherwise leave a span for each time. So the last span is taken in as long as
/// it is small, and others before it that are less than twice as long as all that follows: spans then grow towards the
/// beginning like powers of two, and each byte is stored again a logarithmic number of times. Pure.
package enum OpenStart {
    /// So much is stored again whenever something is added.
    package static let smallBytes: UInt64 = 64 << 10
    /// Spans that begin before so many bytes from the end need not be known.
    static let lookedAtBytes: UInt64 = 1 << 20

    /// - Parameters:
    ///   - spans: the last ones, in order, up to the end of the file.
    ///   - limit: bytes that may be open.
    /// - Returns: the beginning of a span, or of the last page that is not whole.
    package static func of(_ spans: [Range<UInt64>], size: UInt64, limit: UInt64) -> UInt64 {
        let page = UInt64(ClientLimits.pageBytes)
        guard let last = spans.last, last.count <= min(smallBytes, limit) else { return size / page * page }
        var start = last.lowerBound
        for span in spans.dropLast().reversed() {
            guard UInt64(span.count) < 2 * (size - start), size - span.lowerBound <= limit else { break }
            start = span.lowerBound
        }
        return start
    }
}
