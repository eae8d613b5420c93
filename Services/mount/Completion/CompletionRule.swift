/// Decides what a closed descriptor means for a file under construction.
///
/// The kernel sends FLUSH for every closed descriptor, also for those that the shell closes after `dup2`, that execve closes, that
/// an exiting or killed process leaves behind, and those of children. Only when the creator, alive, closes its last one is the file
/// complete at that moment. Everything else waits for RELEASE, when nobody has the file any more.
///
/// The order of the questions matters: while a process closes descriptors in execve, reading its `stat` or `fd` blocks until we
/// have answered the very FLUSH that we are deciding. `status` and `cmdline` never block. Run it on a worker with a deadline anyway.
package struct CompletionRule: Sendable {
    /// What the closing of a descriptor means.
    package enum Verdict: Hashable, Sendable {
        /// Nothing yet: not the creator, or in execve, or another descriptor is left, or it cannot be known.
        case unfinished
        /// The creator closed its last descriptor: publish now, and let close(2) tell how it went.
        case complete
        /// The creator ends in good order with the file open: RELEASE will publish it.
        case exiting
        /// The creator was killed by a signal: RELEASE will scrap the file.
        case killed
    }

    package let processes: ProcessTable

    package init(processes: ProcessTable = ProcessTable()) {
        self.processes = processes
    }

    /// Who a thread that creates a file belongs to; nil when it cannot be known (another pid namespace, no permission), in which
    /// case only RELEASE decides.
    package func creator(_ thread: Int32) -> ProcessIdentity? {
        guard thread > 0, let status = processes.status(ofThread: thread),
            let times = processes.times(ofThread: status.group)
        else { return nil }
        return ProcessIdentity(group: status.group, startTicks: times.startTicks)
    }

    /// `thread` closes a descriptor on the file with this inode number, which `creator` made.
    package func verdict(closing thread: Int32, creator: ProcessIdentity?, inode number: UInt64) -> Verdict {
        guard thread > 0, let creator, let status = processes.status(ofThread: thread),
            status.group == creator.group
        else { return .unfinished }
        guard status.hasMemory else { return ending(thread, creator) }
        guard processes.hasEmptyCommandLine(thread) == false else { return .unfinished }
        guard processes.times(ofThread: creator.group)?.startTicks == creator.startTicks else { return .unfinished }
        return processes.hasDescriptor(creator.group, onInode: number) == false ? .complete : .unfinished
    }

    /// Whether the creator lives and still has the file open: asked when the mount goes away under it.
    package func isHeld(by creator: ProcessIdentity?, inode number: UInt64) -> Bool {
        guard let creator, processes.times(ofThread: creator.group)?.startTicks == creator.startTicks else { return false }
        return processes.hasDescriptor(creator.group, onInode: number) ?? false
    }

    private func ending(_ thread: Int32, _ creator: ProcessIdentity) -> Verdict {
        guard let times = processes.times(ofThread: thread) else { return .exiting }
        return times.fatalSignal != 0 ? .killed : .exiting
    }
}
