/// Decides for a listener who may connect. Confined to the listener's loop.
public protocol ConnectionAdmission: AnyObject {
    /// Whether one more connection can be taken in now; otherwise it waits in the kernel's queue.
    var hasRoom: Bool { get }
    /// Makes room for a connection of `peer`; false when it is to be closed at once.
    func admit(_ peer: SocketAddress) -> Bool
    /// Ends a connection because the process has no descriptor left; false when none may be ended.
    func freeDescriptor() -> Bool
}
