import Consensus
import Protocol

extension ShardCore: ReplicatedState {
    public var standing: Standing? { state.standing }

    public func pass(_ index: LogIndex, _ standing: Standing) throws(ShardStateError) {
        let expected = appliedIndex.next
        guard index == expected else { throw .wrongIndex(expected: expected, got: index) }
        do throws(ShardStateError) {
            try state.putStanding(standing)
            try state.commit(index, .zero)
        } catch {
            state.discard()
            throw error
        }
    }
}
