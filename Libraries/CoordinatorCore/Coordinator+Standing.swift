import Consensus
import Protocol

extension Coordinator: ReplicatedState {
    public var standing: Standing? { ledger.standing }

    public func pass(_ index: LogIndex, _ standing: Standing) throws(CoordinatorFailure) {
        try ledger.pass(index, standing)
    }
}
