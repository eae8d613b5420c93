import EventLoop

/// Asks the completion rule on a worker, and answers within a deadline whatever procfs does.
///
/// Thread-safe.
struct CompletionWatch: Sendable {
    /// A reader that blocks in procfs is released as soon as the FLUSH that it waits for is answered; so no more than a moment.
    static let deadlineNanoseconds: UInt64 = 1_000_000_000

    let rule: CompletionRule
    private let queue: WorkQueue
    private let loop: EventLoop

    init(rule: CompletionRule = CompletionRule(), loop: EventLoop) {
        self.rule = rule
        self.loop = loop
        queue = WorkQueue(name: "proc", threads: 4)
    }

    func creator(_ thread: Int32) async -> ProcessIdentity? {
        let rule = rule
        return await ask(otherwise: nil) { rule.creator(thread) }
    }

    func verdict(
        closing thread: Int32, creator: ProcessIdentity?, inode number: UInt64
    ) async -> CompletionRule.Verdict {
        guard creator != nil else { return .unfinished }
        let rule = rule
        return await ask(otherwise: .unfinished) { rule.verdict(closing: thread, creator: creator, inode: number) }
    }

    func isHeld(by creator: ProcessIdentity?, inode number: UInt64) async -> Bool {
        guard creator != nil else { return false }
        let rule = rule
        return await ask(otherwise: true) { rule.isHeld(by: creator, inode: number) }
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
