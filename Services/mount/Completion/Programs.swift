import EventLoop
import Filesystem
import Synchronization

/// The programs of this host as creators of files.
final class Programs: Creators {
    private let watch: CompletionWatch
    private let known = Mutex(CreatorCache())

    /// - Parameter device: of the mount that they use.
    init(loop: EventLoop, device: MountDevice) {
        watch = CompletionWatch(loop: loop, rule: CompletionRule(device: device))
    }

    nonisolated(nonsending) func creator(_ caller: Caller) async -> any Creator {
        FileCreator(await process(of: caller.thread), watch)
    }

    nonisolated(nonsending) func belongs(_ caller: Caller, to group: UInt32) async -> Bool {
        guard CallerSight.sees(caller.thread) else { return false }
        return await watch.groups(ofThread: caller.thread).contains(group)
    }

    nonisolated(nonsending) func has(
        _ right: SuperuserRight, _ caller: Caller, over user: UInt32, _ group: UInt32?
    ) async -> Bool {
        guard CallerSight.sees(caller.thread) else { return false }
        return await watch.has(right, caller, over: user, group)
    }

    private nonisolated(nonsending) func process(of thread: Int32) async -> CreatorProcess? {
        guard CallerSight.sees(thread) else { return nil }
        if let process = known.withLock({ $0.process(of: thread) }) { return process }
        guard let group = await watch.group(ofThread: thread) else { return nil }
        return known.withLock { $0.insert(group: group, thread) }
    }
}
