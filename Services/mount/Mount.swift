import EventLoop
import Filesystem

/// A filesystem that the kernel has mounted, and what only the kernel needs: the callbacks' context.
final class Mount: Sendable {
    let loop: EventLoop
    let filesystem: Filesystem
    let style: AttributeStyle
    let notifications: KernelNotifications
    let waiting: WaitingRequests
    let connection: FuseConnection

    /// - Parameter loop: the filesystem's.
    init(
        _ filesystem: Filesystem, on loop: EventLoop, style: AttributeStyle, notifications: KernelNotifications,
        connection: FuseConnection
    ) {
        self.loop = loop
        self.filesystem = filesystem
        self.style = style
        self.notifications = notifications
        waiting = WaitingRequests(loop: loop)
        self.connection = connection
    }
}
