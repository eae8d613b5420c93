/// Who asks. Whether he may was checked by the front end.
public struct Caller: Sendable {
    /// The thread, in numbers that mean something to the front end only; 0: cannot be told.
    public let thread: Int32
    /// To whom belongs what he makes.
    public let user: UInt32
    public let group: UInt32
    /// Permission bits that nobody gets of what he makes, unless the directory has a default list.
    public let umask: UInt16
    /// Whether what he changes keeps the right to run as its owner.
    public let isPrivileged: Bool

    /// - Parameter isPrivileged: nil: if he is root.
    public init(thread: Int32, user: UInt32 = 0, group: UInt32 = 0, umask: UInt16 = 0, isPrivileged: Bool? = nil) {
        self.thread = thread
        self.user = user
        self.group = group
        self.umask = umask
        self.isPrivileged = isPrivileged ?? (user == 0)
    }

    /// Nobody who could be told apart from others, and who may do everything.
    public static let unknown = Caller(thread: 0)
}
