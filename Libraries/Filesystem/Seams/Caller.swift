/// Who asks, in numbers that mean something to the front end only.
public struct Caller: Sendable {
    /// The thread; 0: cannot be told.
    public let thread: Int32
    /// The table of descriptors that it closes from; 0 where that does not matter.
    public let descriptorTable: UInt64

    public init(thread: Int32, descriptorTable: UInt64 = 0) {
        self.thread = thread
        self.descriptorTable = descriptorTable
    }

    /// Nobody who could be told apart from others.
    public static let unknown = Caller(thread: 0)
}
