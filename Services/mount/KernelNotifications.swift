import EventLoop
import Filesystem
import Mutations

/// Tells the kernel that something it cached is no longer right.
///
/// On threads of their own: for a name the kernel takes the lock of its directory, which somebody may hold who waits
/// for an answer of ours, as long as servers are away. Nobody waits for names to be heard of, and what is said of
/// contents, which many wait for, does not stand behind them. Thread-safe.
package final class KernelNotifications: Observer {
    private let names = NotificationThread(name: "notify-names")
    private let files = NotificationThread(name: "notify-files")

    package init() {}

    /// The one that contents are told of on.
    private var contents: NotificationThread { Mutation.contentsStandBehindNames.isPlanted ? names : files }

    package func attach(_ cache: some KernelCache) {
        names.attach(cache)
        files.attach(cache)
    }

    /// Begins no notification any more.
    package func stop() {
        names.stop()
        files.stop()
    }

    /// After this the cache is not used any more. Waits for notifications under way, so the kernel must be able to
    /// finish them: end the session before.
    package func join() {
        names.join()
        files.join()
    }

    package func nameChanged(_ name: [UInt8], in directory: NodeID) {
        names.tell { $0.forget(name, in: directory) }
    }

    package func contentChanged(_ node: NodeID) {
        contents.tell { $0.forgetContent(of: node) }
    }

    package func heard() async {
        await contents.reached()
    }
}
