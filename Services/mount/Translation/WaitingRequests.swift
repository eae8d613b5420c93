import CFUSE
import EventLoop
import Glibc
import Mutations
import Synchronization

/// The kernel's requests that are being worked on. The kernel lets a program go only when its request is answered, even
/// one that was killed: so those are answered with EINTR, and what they asked for goes on without them. Other signals,
/// which runtimes send all the time, end nothing.
///
/// Thread-safe; `begin` is called on the loop.
final class WaitingRequests: Sendable {
    /// Tells requests apart; never used again.
    struct Ticket: Hashable {
        fileprivate let number: UInt64
    }

    private struct Waiting {
        let reply: FuseReply
        let thread: Int32
        /// It was there when somebody looked last.
        var isSeen = false
    }

    private struct State {
        var waiting: [Ticket: Waiting] = [:]
        var lastNumber: UInt64 = 0
        var isWatched = false
    }

    private let state = Mutex(State())
    private let loop: EventLoop
    private let watch: CompletionWatch

    /// Whoever waits is looked at so often; a signal may come long after the kernel has told of another one.
    private static let intervalNanoseconds: UInt64 = 1_000_000_000

    init(loop: EventLoop) {
        self.loop = loop
        watch = CompletionWatch(loop: loop)
    }

    /// - Parameter thread: the one that made the system call.
    func begin(_ reply: FuseReply, thread: Int32) -> Ticket {
        let (ticket, isWatched) = state.withLock { state in
            defer { state.isWatched = true }
            state.lastNumber += 1
            let ticket = Ticket(number: state.lastNumber)
            state.waiting[ticket] = Waiting(reply: reply, thread: thread)
            return (ticket, state.isWatched)
        }
        if !isWatched { lookLater() }
        return ticket
    }

    /// Whether the caller is to answer the request: nobody else will. False: it was answered.
    func claim(_ ticket: Ticket) -> Bool {
        state.withLock { $0.waiting.removeValue(forKey: ticket) } != nil
    }

    private func lookLater() {
        _ = loop.timer(afterNanoseconds: Self.intervalNanoseconds) { [weak self] in self?.look() }
    }

    private func look() {
        let (interrupted, isWatched) = state.withLock { state in
            var interrupted: [(Ticket, Waiting)] = []
            for (ticket, waiting) in state.waiting {
                if waiting.isSeen, waiting.reply.isInterrupted { interrupted.append((ticket, waiting)) }
                state.waiting[ticket]?.isSeen = true
            }
            state.isWatched = !state.waiting.isEmpty
            return (interrupted, state.isWatched)
        }
        for (ticket, waiting) in interrupted where CallerSight.sees(waiting.thread) {
            loop.task { await self.letGo(ticket, waiting) }
        }
        if isWatched { lookLater() }
    }

    private func letGo(_ ticket: Ticket, _ waiting: Waiting) async {
        guard !Mutation.killedProgramsWait.isPlanted, await watch.isBeingKilled(waiting.thread), claim(ticket) else {
            return
        }
        fuse_reply_err(waiting.reply.request, EINTR)
    }
}
