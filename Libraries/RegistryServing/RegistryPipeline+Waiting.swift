import Consensus
import Mutations
import Protocol
import RegistryCore

/// Who asks before it is known who leads may be answered yet.
extension RegistryPipeline {
    /// Longer than groups usually are without a leader.
    static let patienceNanoseconds: UInt64 = 3_000_000_000
    /// Each holds a connection, and in memory what it asks for.
    static let maximumWaiting = 1024

    /// A request that came before it was known who leads.
    struct Waiting {
        let request: AnyRegistryRequest
        let isPassedOn: Bool
        let answer: Answer
    }

    /// Keeps a request for the case that this replica leads soon, or another one.
    func waitForALeader(_ request: Waiting) {
        // What was passed on to a replica that follows is to be asked of the one that leads.
        guard log.leader == nil || log.leader == log.member, waiting.count < Self.maximumWaiting else {
            return request.answer(nil)
        }
        waiting.append(request)
        guard waiting.count == 1, !Mutation.waitingForALeaderHasNoEnd.isPlanted else { return }
        environment.later(Self.patienceNanoseconds) { [weak self] in self?.letWaitingGo() }
    }

    /// It is known who leads.
    func handleWaiting() {
        let requests = waiting
        waiting = []
        for request in requests { handle(request.request, isPassedOn: request.isPassedOn, request.answer) }
    }

    func letWaitingGo() {
        let answers = waiting.map(\.answer)
        waiting = []
        for answer in answers { answer(nil) }
    }
}
