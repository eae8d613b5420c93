import Consensus
import Protocol

/// What the registry is told of a process's replica of a group.
package struct ReplicaRegistration {
    package let group: GroupNumber
    /// Nil: it is the only one, and is registered in the way of the base protocol.
    package let slot: ReplicaSlot?
    package let location: LocationID
    package let addresses: AddrsInfo

    package init(_ group: GroupNumber, in slot: ReplicaSlot?, _ location: LocationID, at addresses: AddrsInfo) {
        self.group = group
        self.slot = slot
        self.location = location
        self.addresses = addresses
    }

    /// Nil: whoever neither leads nor knows who does is of no use to clients.
    package func request(_ standing: GroupStanding) -> (any RegistryRPC)? {
        switch (slot, standing) {
        case (nil, .leads): ofTheOnlyOne
        case (let slot?, .leads(let term)): request(in: slot, term)
        case (let slot?, .isLedElsewhere): request(in: slot, .zero)
        case (nil, .isLedElsewhere), (_, .isUnknown): nil
        }
    }

    private func request(in slot: ReplicaSlot, _ term: Term) -> RegisterReplicaRequest {
        RegisterReplicaRequest(
            group: group, replica: ReplicaID(rawValue: slot.rawValue), location: location, term: term, addrs: addresses)
    }

    private var ofTheOnlyOne: any RegistryRPC {
        let replica = ReplicaID(rawValue: 0)
        guard let shard = group.shard else {
            return RegisterCdcRequest(replica: replica, location: location, isLeader: true, addrs: addresses)
        }
        return RegisterShardRequest(
            shrid: ShardReplicaID(shard: shard, replica: replica), isLeader: true, addrs: addresses, location: location)
    }
}
