import EventLoop

/// The coding of one span: under way on a worker, or done.
///
/// `@unchecked Sendable`: confined to the loop; only `EncodedSpan` itself comes from another thread.
final class SpanEncoding: @unchecked Sendable {
    private enum State {
        case underway([UnsafeContinuation<EncodedSpan?, Never>])
        case done(EncodedSpan?)
    }

    private var state: State

    /// Done already.
    init(_ span: EncodedSpan?) {
        state = .done(span)
    }

    /// Runs `encode` on a worker thread.
    init(on loop: any Loop, _ encode: @escaping @Sendable () -> EncodedSpan?) {
        state = .underway([])
        loop.work(encode) { self.finish((try? $0.get()) ?? nil) }
    }

    /// What came of it, if it is done.
    var finished: EncodedSpan? {
        if case .done(let span) = state { span } else { nil }
    }

    /// Waits for it; nil when it failed.
    nonisolated(nonsending) func value() async -> EncodedSpan? {
        switch state {
        case .done(let span): return span
        case .underway(let waiters):
            return await withUnsafeContinuation { state = .underway(waiters + [$0]) }
        }
    }

    private func finish(_ span: EncodedSpan?) {
        guard case .underway(let waiters) = state else { return }
        state = .done(span)
        for waiter in waiters { waiter.resume(returning: span) }
    }
}
