import Consensus
import Protocol
import Store

extension RegistryCore: ReplicatedState {
    public func pass(_ index: LogIndex, _ standing: Standing) throws(RegistryCoreError) {
        guard index > meta.appliedIndex else { throw .outOfOrder(index: index, applied: meta.appliedIndex) }
        var batch = WriteBatch()
        var meta = meta
        meta.appliedIndex = index
        setMeta(meta, in: &batch)
        try setStanding(standing, in: &batch)
        try write(batch)
    }
}
