import CUV

/// Calls a handler on the loop each time the process gets a signal.
public final class SignalWatcher {
    private let handle: LoopHandle<uv_signal_t>
    private var handler: (() -> Void)?

    /// `signal`: SIGTERM and the like; not SIGKILL or SIGSTOP.
    public init(on loop: EventLoop, signal: Int32, _ handler: @escaping () -> Void) throws(SystemError) {
        loop.assertOnLoop()
        handle = try LoopHandle(initialize: { uv_signal_init(loop.raw, $0) })
        self.handler = handler
        handle.retain(self)
        let status = uv_signal_start(
            handle.raw, { raw, _ in loopHandleOwner(raw?.pointee.data, as: SignalWatcher.self)?.handler?() }, signal)
        guard status == 0 else {
            close()
            throw SystemError("watch signal \(signal)", code: status)
        }
    }

    /// Restores the signal's default effect, unless others watch it. Idempotent.
    public func close() {
        handler = nil
        handle.close()
    }
}
