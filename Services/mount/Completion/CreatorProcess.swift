import CLinux
import Glibc

/// The process that made a file. Numbers of processes are used again; the descriptor held here is what tells them
/// apart. Thread-safe.
package final class CreatorProcess: Sendable {
    /// What people call the process id.
    package let group: Int32
    private let descriptor: Int32

    /// Nil when there is no such process (any more).
    package init?(group: Int32) {
        let opened = linux_process_open(group)
        guard opened >= 0 else { return nil }
        self.group = group
        descriptor = opened
    }

    deinit {
        close(descriptor)
    }

    /// Whether `group` still means this process.
    package var exists: Bool { linux_process_exists(descriptor) != 0 }

    /// Whether a living thread belongs to it.
    package func contains(_ thread: Int32) -> Bool {
        exists && linux_thread_belongs(group, thread) != 0
    }
}
