import EventLoop
import Filesystem

/// A filesystem that the kernel has mounted, and what only the kernel needs: the callbacks' context.
final class Mount: Sendable {
    let filesystem: Filesystem
    let style: AttributeStyle
    let notifications: KernelNotifications
    let waiting: WaitingRequests
    let connection: FuseConnection

    init(
        _ filesystem: Filesystem, style: AttributeStyle, notifications: KernelNotifications, connection: FuseConnection
    ) {
        self.filesystem = filesystem
        self.style = style
        self.notifications = notifications
        waiting = WaitingRequests(loop: filesystem.loop)
        self.connection = connection
    }
}
