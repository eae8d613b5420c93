import Mutations
import Protocol
import Store

/// Shards, coordinators and registries saying where they are (services.md A.4).
extension RegistryCore {
    func register(
        _ slot: ReplicaSlot, isLeader: Bool, addrs: AddrsInfo, by entry: RegistryEntry, in batch: inout WriteBatch
    ) -> Result<Void, ProtocolError> {
        guard let old = row(at: slot) else { return .failure(.invalidReplica) }
        // Who leads a group of several replicas is a matter of terms, which this request does not know.
        let isLeader = term(of: slot) == .zero ? isLeader : old.isLeader
        if entry.rules.enforceStableLeader && old.isLeader != isLeader { return .failure(.leaderPreempted) }
        return enter(addrs, isLeader: isLeader, at: slot, by: entry, in: &batch)
    }

    /// A replica of a group of several: who leads in the latest term is the leader, whatever comes later.
    func register(
        _ request: RegisterReplicaRequest, by entry: RegistryEntry, in batch: inout WriteBatch
    ) -> Result<Void, ProtocolError> {
        guard let number = UInt16(exactly: request.group.rawValue), let group = ReplicaGroup(storedIndex: number) else {
            return .failure(.invalidReplica)
        }
        let slot = ReplicaSlot(location: request.location, group: group, replica: request.replica)
        let isLatest = request.term >= term(of: slot) || Mutation.staleLeadersRegister.isPlanted
        let leads = request.term > .zero && isLatest
        return enter(request.addrs, isLeader: leads, at: slot, by: entry, in: &batch).map {
            if leads { setTerm(request.term, of: slot.group, location: slot.location, in: &batch) }
        }
    }

    private func enter(
        _ addrs: AddrsInfo, isLeader: Bool, at slot: ReplicaSlot, by entry: RegistryEntry, in batch: inout WriteBatch
    ) -> Result<Void, ProtocolError> {
        guard let old = row(at: slot) else { return .failure(.invalidReplica) }
        guard addrs.isRegistrable else { return .failure(.malformedRequest) }
        if entry.rules.enforceStableIP && old.hasAddress && !old.addrs.sharesIP(with: addrs) {
            return .failure(.differentAddrsInfo)
        }
        if isLeader { takeLeadership(from: slot, in: &batch) }
        var new = old
        new.isLeader = isLeader
        new.addrs = addrs
        new.lastSeen = entry.time
        set(new, at: slot, in: &batch)
        return .success(())
    }

    private func term(of slot: ReplicaSlot) -> Term { locations[slot.location]?.term(of: slot.group) ?? .zero }

    /// Makes one replica the leader, whoever was before.
    func moveLeader(to slot: ReplicaSlot, in batch: inout WriteBatch) -> Result<Void, ProtocolError> {
        guard var row = row(at: slot) else { return .failure(.invalidReplica) }
        guard term(of: slot) == .zero else { return .failure(.leaderPreempted) }
        takeLeadership(from: slot, in: &batch)
        row.isLeader = true
        set(row, at: slot, in: &batch)
        return .success(())
    }

    /// Forgets a replica's address, so that it may come back from another host.
    func clear(_ slot: ReplicaSlot, in batch: inout WriteBatch) -> Result<Void, ProtocolError> {
        guard row(at: slot) != nil else { return .failure(.invalidReplica) }
        set(ReplicaRow(), at: slot, in: &batch)
        return .success(())
    }

    private func row(at slot: ReplicaSlot) -> ReplicaRow? {
        guard slot.replica.rawValue < RegistryLimits.replicas else { return nil }
        return locations[slot.location]?[slot.group][Int(slot.replica.rawValue)]
    }

    private func set(_ row: ReplicaRow, at slot: ReplicaSlot, in batch: inout WriteBatch) {
        setReplica(row, at: Int(slot.replica.rawValue), of: slot.group, location: slot.location, in: &batch)
    }

    /// Clears the leader flag of the group's other replicas: at most one row of a group may carry it.
    private func takeLeadership(from slot: ReplicaSlot, in batch: inout WriteBatch) {
        guard let rows = locations[slot.location]?[slot.group] else { return }
        for (replica, var row) in rows.enumerated() where row.isLeader && replica != Int(slot.replica.rawValue) {
            row.isLeader = false
            setReplica(row, at: replica, of: slot.group, location: slot.location, in: &batch)
        }
    }
}
