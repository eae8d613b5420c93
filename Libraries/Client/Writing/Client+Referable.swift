import Mutations
import Protocol

extension Client {
    /// The beginning of a range of a file that another one can refer to (`refer`), whose directory has `policies`: what
    /// lies before the first span that begins in the range is left out, and what follows the first span that is not
    /// stored as the policies ask for. nil: nothing is left.
    ///
    /// A span in which the range ends is cut at a page, if `mayCut` and the file would show at least half of what is
    /// stored of it; less is not worth the room that the rest takes.
    public func referable(
        _ range: Range<UInt64>, of source: InodeID, for policies: WritePolicies, mayCut: Bool = true
    ) async throws(ClientError) -> Range<UInt64>? {
        let isFitting = core.fittingFiles.contains(source, policies)
        return try await referable(range, of: source, for: policies, mayCut: mayCut, isFitting: isFitting)
    }

    /// - Parameter isFitting: whether all that is stored of the source is known to be as the policies ask. Then only
    ///   both ends are looked at.
    func referable(
        _ range: Range<UInt64>, of source: InodeID, for policies: WritePolicies, mayCut: Bool, isFitting: Bool
    ) async throws(ClientError) -> Range<UInt64>? {
        guard supports(.sharedSpans) else { return nil }
        var (begin, end): (UInt64?, UInt64) = (nil, range.lowerBound)
        var maySkip = isFitting
        func found() -> Range<UInt64>? { begin.map { $0..<end } }
        while end < range.upperBound {
            let before = end
            for span in try await persistentSpans(of: source, from: end) where span.endOffset > end {
                // A hole in what a shard says.
                guard span.byteOffset <= end else { return found() }
                guard span.byteOffset >= range.lowerBound else {
                    end = span.endOffset
                    continue
                }
                let kept = span.referableBytes(before: range.upperBound, policies, mayCut: mayCut)
                guard kept > 0 else { return found() }
                begin = begin ?? span.byteOffset
                end = span.byteOffset + kept
                guard end == span.endOffset else { return found() }
            }
            // The file ends.
            guard end > before else { return found() }
            guard maySkip, begin != nil, end < range.upperBound else { continue }
            maySkip = false
            let last = try await persistentSpans(of: source, from: range.upperBound - 1).first
            end = max(end, min(last?.byteOffset ?? end, range.upperBound))
        }
        return found()
    }
}

extension CheckedSpan {
    var endOffset: UInt64 { byteOffset + UInt64(size) }

    var isInline: Bool {
        if case .inline = content { return true }
        return false
    }

    /// How many bytes from its beginning a file can refer to that shows nothing of this one from `end` on, and is to be
    /// stored as `policies` say; all of them, or whole pages.
    package func referableBytes(before end: UInt64, _ policies: WritePolicies, mayCut: Bool) -> UInt64 {
        guard byteOffset < end else { return 0 }
        switch content {
        case .inline: return endOffset <= end ? UInt64(size) : 0
        case .blocks(let copies):
            // That is where a writer stores.
            guard let copy = copies.first(where: { $0.location == .default }),
                policies.want(copy.layout, bytes: Int(size)) || Mutation.misfitsAreShared.isPlanted
            else { return 0 }
            if endOffset <= end { return UInt64(size) }
            let page = UInt64(ClientLimits.pageBytes)
            let kept = (end - byteOffset) / page * page
            let isWorthIt = 2 * kept >= UInt64(copy.layout.paddedBytes) || Mutation.cutsWasteRoom.isPlanted
            return mayCut && isWorthIt ? kept : 0
        }
    }
}

extension WritePolicies {
    /// Whether a span of which a file shows so many bytes may be stored like this, by its redundancy and its class. It
    /// may end in zeros that are not stored, or be cut, so that more is stored than shows: either size will do.
    fileprivate func want(_ layout: SpanLayout, bytes: Int) -> Bool {
        guard bytes <= largestSpanBytes else { return false }
        return [bytes, layout.paddedBytes].contains { stored in
            let wanted = self.layout(dataBytes: min(stored, layout.paddedBytes, largestSpanBytes))
            return wanted?.parity == layout.parity && wanted?.storageClass == layout.storageClass
        }
    }
}
