import Protocol

/// The spans of one file that are known so far, in order. They never change while the file exists, but blocks may move
/// to other services; `forget` makes room for a fresh description.
package struct FileSpans {
    private var spans: [SpanInfo] = []

    package init() {}

    /// The span that covers `offset`, if it is known.
    package func span(at offset: UInt64) -> SpanInfo? {
        let index = firstIndex(endingAfter: offset)
        guard index < spans.count, spans[index].byteOffset <= offset else { return nil }
        return spans[index]
    }

    /// Adds spans; the new description of a span replaces the old one.
    package mutating func insert(_ new: [SpanInfo]) {
        for span in new {
            let index = firstIndex(endingAfter: span.byteOffset)
            if index < spans.count, spans[index].byteOffset == span.byteOffset {
                spans[index] = span
            } else {
                spans.insert(span, at: index)
            }
        }
    }

    package mutating func forget(_ range: Range<UInt64>) {
        spans.removeAll { $0.byteOffset < range.upperBound && range.lowerBound < $0.endOffset }
    }

    private func firstIndex(endingAfter offset: UInt64) -> Int {
        var low = 0
        var high = spans.count
        while low < high {
            let middle = (low + high) / 2
            if spans[middle].endOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
