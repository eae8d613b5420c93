import Protocol
import Store

/// Where a span of a file is kept: in the file itself, or in a body that the file refers to.
struct SpanHome {
    var file: InodeID
    var byteOffset: UInt64
    /// As it is kept there: not cut.
    var span: SpanRecord
}

// The spans of a file as its readers see them: references followed.

extension ShardState {
    /// Where the span is kept that begins at `byteOffset` in a file; nil: none begins there.
    func home(of file: InodeID, _ byteOffset: UInt64) throws(ShardFailure) -> SpanHome? {
        if let span = try extent(file, byteOffset)?.ownSpan {
            return SpanHome(file: file, byteOffset: byteOffset, span: span)
        }
        guard case (let start, .reference(let reference))? = try lastExtent(file, notAfter: byteOffset),
            byteOffset - start < reference.length
        else { return nil }
        let place = reference.begin + (byteOffset - start)
        guard let span = try extent(reference.body, place)?.ownSpan else { return nil }
        return SpanHome(file: reference.body, byteOffset: place, span: span)
    }

    /// The last span of a file, as it is kept.
    func lastSpan(of file: InodeID) throws(ShardFailure) -> SpanRecord? {
        switch try lastExtent(file, notAfter: .max)?.extent {
        case nil: nil
        case .span(let span)?: span
        case .reference(let reference)?: try span(of: reference.body, before: reference.end).span
        }
    }

    /// The span of a body that ends at or covers the byte before `end`.
    func span(
        of body: InodeID, before end: UInt64
    ) throws(ShardFailure) -> (byteOffset: UInt64, span: SpanRecord) {
        guard case (let byteOffset, .span(let span))? = try lastExtent(body, notAfter: end - 1) else {
            throw .state(.corruptRecord(key: keys.body(body)))
        }
        return (byteOffset, span)
    }

    /// Calls `show` with the references of a file from the one that covers `byteOffset` on, until it returns false.
    func forEachReference(
        _ file: InodeID, from byteOffset: UInt64, _ show: (UInt64, SpanReference) -> Bool
    ) throws(ShardFailure) {
        let iterator = extents(of: file)
        iterator.seekForPrevious(keys.span(file, byteOffset))
        if !iterator.isValid { iterator.seekToFirst() }
        while iterator.isValid {
            let start = try self.byteOffset(at: iterator)
            if case .reference(let reference) = try record(at: iterator, as: Extent.self),
                start &+ reference.length > byteOffset
            {
                guard show(start, reference) else { return }
            }
            iterator.next()
        }
        try check(iterator)
    }

    /// Calls `show` with the spans of a file from the one at `byteOffset` on, until it returns false.
    func forEachSpan(
        _ file: InodeID, from byteOffset: UInt64, _ show: (UInt64, SpanRecord) -> Bool
    ) throws(ShardFailure) {
        let iterator = extents(of: file)
        iterator.seekForPrevious(keys.span(file, byteOffset))
        var isFirst = true
        while iterator.isValid {
            let start = try self.byteOffset(at: iterator)
            let extent: Extent = try record(at: iterator)
            if isFirst, start &+ extent.length < byteOffset { return }
            isFirst = false
            switch extent {
            case .span(let span): guard show(start, span) else { return }
            case .reference(let reference):
                let skipped = byteOffset > start ? byteOffset - start : 0
                guard try forEachSpan(reference, at: start, skipping: skipped, show) else { return }
            }
            iterator.next()
        }
        try check(iterator)
    }

    /// The spans of a reference that begins at `start` of its file, from the one that covers the byte `skipped` of it
    /// on, or the last. Returns whether `show` wants more.
    func forEachSpan(
        _ reference: SpanReference, at start: UInt64, skipping skipped: UInt64, _ show: (UInt64, SpanRecord) -> Bool
    ) throws(ShardFailure) -> Bool {
        let iterator = extents(of: reference.body)
        iterator.seekForPrevious(keys.span(reference.body, reference.begin + min(skipped, reference.length - 1)))
        guard iterator.isValid else {
            try check(iterator)
            throw .state(.corruptRecord(key: keys.body(reference.body)))
        }
        while iterator.isValid {
            let place = try byteOffset(at: iterator)
            guard place < reference.end else { return true }
            guard place >= reference.begin, let span = try record(at: iterator, as: Extent.self).ownSpan else {
                throw .state(.corruptRecord(key: iterator.key))
            }
            guard show(start + (place - reference.begin), reference.visible(span, at: place)) else { return false }
            iterator.next()
        }
        try check(iterator)
        return true
    }
}
