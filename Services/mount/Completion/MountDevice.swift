import Synchronization

/// The device number of our mount as tables of mounts show it, such as `0:53`: wherever else it is mounted, and in
/// whatever namespace, it has the same. Thread-safe.
package final class MountDevice: Sendable {
    private let known = Mutex<String?>(nil)

    package init(_ number: String? = nil) { known.withLock { $0 = number } }

    /// Nil until it is mounted, or where that cannot be known.
    var number: String? { known.withLock { $0 } }

    /// It is mounted at `path`. Asks no filesystem anything.
    func learn(mountedAt path: String) {
        let number = MountPoint.realpathOfParent(path).flatMap { MountTable.read()?.line(at: $0)?.device }
        known.withLock { $0 = number }
    }
}
