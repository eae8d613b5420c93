/// A connection over which bytes go both ways in order, such as a `TCPConnection`. Confined to its loop.
///
/// Set `onData` and `onEnd`, then call `resumeReading()`. Every owner must call `close()`, after which no callback
/// comes any more.
public protocol StreamConnection: AnyObject {
    /// Received bytes, in order; valid until it returns.
    var onData: ((UnsafeRawBufferPointer) -> Void)? { get set }
    /// At most once. The owner still has to `close()`.
    var onEnd: ((TCPConnection.End) -> Void)? { get set }

    func resumeReading()
    /// Sends a copy of `bytes`.
    func write(_ bytes: [UInt8])
    /// Stops at once: what is not sent yet is lost. Idempotent.
    func close()
}

extension TCPConnection: StreamConnection {}
