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
        serves && (consensus.hasLease(at: lane.now) || Mutation.readsNeedNoLease.isPlanted)
            && state.appliedIndex >= consensus.commit
    }

    /// Calls `answer` when the state may be read, now or later; never if this replica steps down before.
    ///
    /// - Throws: it may not be read here.
    public func read(_ answer: @escaping () -> Void) throws(ReadRefusal) {
        guard failure == nil else { throw .notLeader(leader: nil) }
        switch try consensus.read(at: lane.now) {
        case .applied(let index): waitingReads.append(WaitingRead(number: nil, index: index, answer: answer))
        case .confirmed(let number):
            let isConfirmed = Mutation.readsAreNotConfirmed.isPlanted
            waitingReads.append(
                WaitingRead(number: isConfirmed ? nil : number, index: consensus.commit, answer: answer))
        }
        step { _, _ in }
        answerReads()
    }

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
