import Consensus
import Mutations

/// A read that cannot be answered at once.
struct WaitingRead {
    /// Until heartbeats have confirmed it; nil when they have.
    var number: ReadNumber?
    /// It is answered from a state that has applied this.
    var index: LogIndex
    let answer: () -> Void
}

extension Replica {
    /// Whether the state may be read now: nobody else can have acknowledged anything that it lacks.
    public var mayReadNow: Bool {
        guard serves else { return false }
        // Looking at the clock may void the lease.
        let now = lane.timeOfLeases
        return (consensus.hasLease(at: now) || Mutation.readsNeedNoLease.isPlanted)
            && state.appliedIndex >= consensus.commit
    }

    /// Calls `answer` when the state may be read, now or later; never if this replica steps down before.
    ///
    /// - Throws: it may not be read here.
    public func read(_ answer: @escaping () -> Void) throws(ReadRefusal) {
        guard failure == nil else { throw .notLeader(leader: nil) }
        let now = lane.timeOfLeases
        switch try consensus.read(at: now) {
        case .applied(let index): waitingReads.append(WaitingRead(number: nil, index: index, answer: answer))
        case .confirmed(let number):
            let isConfirmed = Mutation.readsAreNotConfirmed.isPlanted
            waitingReads.append(
                WaitingRead(number: isConfirmed ? nil : number, index: consensus.commit, answer: answer))
        }
        step { _, _ in }
        answerReads()
    }

    /// What was promised to it before counts no more.
    func voidLease(at now: BootInstant) { consensus.voidLease(at: now) }

    func confirm(_ number: ReadNumber, _ index: LogIndex) {
        for place in waitingReads.indices where waitingReads[place].number == number {
            waitingReads[place].number = nil
            waitingReads[place].index = index
        }
        answerReads()
    }

    func answerReads() {
        guard !waitingReads.isEmpty else { return }
        let applied = state.appliedIndex
        let ready = waitingReads.filter { $0.number == nil && $0.index <= applied }
        waitingReads.removeAll { $0.number == nil && $0.index <= applied }
        for read in ready { read.answer() }
    }
}
