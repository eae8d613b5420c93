import CUV

/// A running timer. The loop keeps it alive until it has fired (or, if it repeats, until `cancel()`): keep it only to
/// cancel it.
public final class LoopTimer: TimerHandle {
    private let handle: LoopHandle<uv_timer_t>
    private var body: (() -> Void)?
    private let repeats: Bool

    fileprivate init(_ loop: EventLoop, after: UInt64, every: UInt64, _ body: @escaping () -> Void) {
        self.body = body
        repeats = every > 0
        handle = LoopHandle(infallible: { uv_timer_init(loop.raw, $0) })
        handle.retain(self)
        // libuv counts from the beginning of the turn, which may be long ago.
        uv_update_time(loop.raw)
        uv_timer_start(
            handle.raw, { raw in loopHandleOwner(raw?.pointee.data, as: LoopTimer.self)?.fire() },
            Self.milliseconds(after), Self.milliseconds(every))
    }

    /// The timer never fires again. Idempotent.
    public func cancel() {
        guard body != nil else { return }
        body = nil
        handle.close()
    }

    private func fire() {
        guard let current = body else { return }
        if !repeats { cancel() }
        current()
    }

    /// libuv counts milliseconds; never fire early.
    private static func milliseconds(_ nanoseconds: UInt64) -> UInt64 {
        nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1)
    }
}

extension EventLoop {
    /// Calls `body` on the loop after at least that time (in steps of a millisecond), and then again and again when
    /// `repeatingNanoseconds` is not 0.
    @discardableResult
    public func timer(
        afterNanoseconds: UInt64, repeatingNanoseconds: UInt64 = 0, _ body: @escaping () -> Void
    ) -> LoopTimer {
        assertOnLoop()
        return LoopTimer(self, after: afterNanoseconds, every: repeatingNanoseconds, body)
    }
}
