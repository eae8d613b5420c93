/// Who asks, in numbers that mean something to the front end only.
public struct Caller: Sendable {
    /// The thread; 0: cannot be told.
    public let thread: Int32

    public init(thread: Int32) {
        self.thread = thread
    }

    /// Nobody who could be told apart from others.
    public static let unknown = Caller(thread: 0)
}
