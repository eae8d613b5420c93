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

    /// Keeps a request for the case that this replica leads soon.
    func waitForALeader(_ request: AnyRegistryRequest, _ answer: @escaping Answer) {
        // Where another one leads, that one is to be asked.
        guard log.leader == nil || log.leader == log.member, waiting.count < Self.maximumWaiting else {
            return answer(nil)
        }
        waiting.append((request, answer))
        guard waiting.count == 1, !Mutation.waitingForALeaderHasNoEnd.isPlanted else { return }
        environment.later(Self.patienceNanoseconds) { [weak self] in self?.letWaitingGo() }
    }

    func letWaitingGo() {
        let answers = waiting.map(\.answer)
        waiting = []
        for answer in answers { answer(nil) }
    }
}
