import Filesystem

/// Decides what a closed descriptor means for a staged file.
///
/// The kernel sends FLUSH for every closed descriptor, also for those that the shell closes after `dup2`, that execve
/// closes, that an exiting or killed process leaves behind, and those of children. Only when the creator, alive, closes
/// its last one is the file complete at that moment. Everything else waits for RELEASE, when nobody has the file any
/// more.
///
/// The order of the questions matters: while a process closes descriptors in execve, reading its `stat` or `fd` blocks
/// until we have answered the very FLUSH that we are deciding. `statm` and `cmdline` do not. Run it on a worker with a
/// deadline anyway.
package struct CompletionRule: Sendable {
    package let processes: ProcessTable
    /// Of the mount whose closes it decides.
    private let device: MountDevice

    package init(processes: ProcessTable = ProcessTable(), device: MountDevice = MountDevice()) {
        self.processes = processes
        self.device = device
    }

    /// `thread`, which is known to belong to the file's creator `group`, closes a descriptor on the file with this
    /// inode number. The kernel knows the file by one of `names`. It is `unfinished` in execve, too, and when another
    /// descriptor is left or it cannot be known.
    package func verdict(
        closing thread: Int32, ofCreator group: Int32, inode number: UInt64, names: Set<[UInt8]>
    ) -> CloseVerdict {
        guard let isEmpty = processes.hasEmptyCommandLine(thread) else { return .unfinished }
        if isEmpty {
            // In execve it still has memory, when it ends it has none any more.
            return processes.hasMemory(thread) == false ? ending(thread) : .unfinished
        }
        return isHeld(by: group, inode: number, names: names) == false ? .complete : .unfinished
    }

    /// Whether a process can write to the file with this inode number. Nil when that cannot be found out.
    func isHeld(by group: Int32, inode number: UInt64, names: Set<[UInt8]>) -> Bool? {
        processes.hasDescriptor(group, onInode: number, named: names, of: device.number)
    }

    /// `thread` closes a descriptor that it got from a creator who is gone: that is of interest only if it is killed
    /// as well.
    package func verdict(closingInherited thread: Int32) -> CloseVerdict {
        guard processes.hasEmptyCommandLine(thread) == true, processes.hasMemory(thread) == false else {
            return .unfinished
        }
        return ending(thread) == .killed ? .killed : .unfinished
    }

    private func ending(_ thread: Int32) -> CloseVerdict {
        guard let signal = processes.fatalSignal(ofExiting: thread) else { return .exiting }
        return signal != 0 ? .killed : .exiting
    }
}
