import CUV

/// Watches any pollable descriptor (not a regular file). The descriptor stays the caller's, who closes it after
/// `close()`.
public final class FileDescriptorPoll {
    /// What is watched for, or has happened.
    public struct Events: OptionSet, Sendable {
        public let rawValue: Int32
        public init(rawValue: Int32) { self.rawValue = rawValue }

        public static let readable = Events(rawValue: Int32(UV_READABLE.rawValue))
        public static let writable = Events(rawValue: Int32(UV_WRITABLE.rawValue))
        /// The peer has closed its end.
        public static let disconnected = Events(rawValue: Int32(UV_DISCONNECT.rawValue))
        /// The descriptor is in error; it is not watched any more until `watch` is called.
        public static let failed = Events(rawValue: 1 << 30)
    }

    private let poll: LoopHandle<uv_poll_t>
    private var handler: ((Events) -> Void)?

    /// Makes the descriptor non-blocking. Nothing is watched until `watch`.
    public init(on loop: EventLoop, descriptor: Int32, _ handler: @escaping (Events) -> Void) throws(SystemError) {
        loop.assertOnLoop()
        poll = try LoopHandle(initialize: { uv_poll_init(loop.raw, $0, descriptor) })
        self.handler = handler
        poll.retain(self)
    }

    /// From now on calls the handler, level-triggered, for these events; for none when empty.
    public func watch(_ events: Events) {
        guard handler != nil else { return }
        guard !events.isEmpty else {
            uv_poll_stop(poll.raw)
            return
        }
        uv_poll_start(poll.raw, events.rawValue) { raw, status, events in
            guard let poll = loopHandleOwner(raw?.pointee.data, as: FileDescriptorPoll.self) else { return }
            poll.handler?(status < 0 ? .failed : Events(rawValue: events))
        }
    }

    /// Stops watching. Idempotent.
    public func close() {
        guard handler != nil else { return }
        handler = nil
        poll.close()
    }
}
