import EventLoop
import Filesystem

/// Asks procfs on a worker, and answers within a deadline whatever happens there.
///
/// Thread-safe.
package struct CompletionWatch: Sendable {
    /// A reader that blocks in procfs is released as soon as the FLUSH that it waits for is answered; so no more than a
    /// moment.
    static let deadlineNanoseconds: UInt64 = 1_000_000_000

    private let rule: CompletionRule
    private let queue = WorkQueue(name: "proc", threads: 4)
    private let loop: EventLoop

    package init(loop: EventLoop, rule: CompletionRule = CompletionRule()) {
        self.loop = loop
        self.rule = rule
    }

    /// The process that a thread belongs to; nil when that cannot be known (another pid namespace, no permission).
    package func group(ofThread thread: Int32) async -> Int32? {
        let processes = rule.processes
        return await ask(otherwise: nil) { processes.group(ofThread: thread) }
    }

    /// The groups that a thread belongs to beside its first, as far as that can be known.
    func groups(ofThread thread: Int32) async -> [UInt32] {
        let processes = rule.processes
        return await ask(otherwise: []) { processes.groups(ofThread: thread) }
    }

    /// As `ProcessTable.has`.
    func has(_ right: SuperuserRight, _ caller: Caller, over user: UInt32, _ group: UInt32?) async -> Bool {
        let processes = rule.processes
        return await ask(otherwise: false) {
            processes.has(right, caller.thread, workingAs: caller.user, over: user, group)
        }
    }

    /// As `CompletionRule.verdict`.
    func verdict(
        closing thread: Int32, of creator: CreatorProcess?, inode number: UInt64, names: Set<[UInt8]>
    ) async -> CloseVerdict {
        guard thread > 0, let creator else { return .unfinished }
        let rule = rule
        guard creator.exists else {
            return await ask(otherwise: .unfinished) { rule.verdict(closingInherited: thread) }
        }
        guard creator.contains(thread) else { return .unfinished }
        return await ask(otherwise: .unfinished) {
            rule.verdict(closing: thread, ofCreator: creator.group, inode: number, names: names)
        }
    }

    /// Whether the creator lives and still has the file open: asked when the mount goes away under it.
    func isHeld(by creator: CreatorProcess?, inode number: UInt64, names: Set<[UInt8]>) async -> Bool {
        guard let creator, creator.exists else { return false }
        let rule = rule
        return await ask(otherwise: true) { rule.isHeld(by: creator.group, inode: number, names: names) ?? false }
    }

    /// Whether a thread that waits for us is being killed.
    func isBeingKilled(_ thread: Int32) async -> Bool {
        let processes = rule.processes
        return await ask(otherwise: false) { processes.isBeingKilled(thread) }
    }

    private func ask<T: Sendable>(otherwise fallback: T, _ question: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { continuation in
            loop.submit { [loop, queue] in
                var waiting: CheckedContinuation<T, Never>? = continuation
                let deadline = loop.timer(afterNanoseconds: Self.deadlineNanoseconds) {
                    waiting?.resume(returning: fallback)
                    waiting = nil
                }
                queue.run(on: loop, question) { result in
                    deadline.cancel()
                    waiting?.resume(returning: (try? result.get()) ?? fallback)
                    waiting = nil
                }
            }
        }
    }
}
