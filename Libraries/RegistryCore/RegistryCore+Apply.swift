import Consensus
import Protocol
import Store

extension RegistryCore {
    /// Carries out one log entry, whatever it asks: one atomic batch that includes the applied index.
    ///
    /// - Returns: the answer for the client that is waiting for it, if any; of the registry's own commands, an empty
    ///   registration answer.
    /// - Throws: only what stops this replica; the state must not be used afterwards.
    @discardableResult
    public func apply(_ bytes: [UInt8], at index: LogIndex) throws(RegistryCoreError) -> Reply {
        guard index.rawValue > meta.appliedIndex.rawValue else {
            throw .outOfOrder(index: index, applied: meta.appliedIndex)
        }
        var entry = try RegistryEntry(decoding: bytes, at: index)
        // Leaders stamp rising times; should one fail to, nothing here may go back in time.
        entry.time = max(entry.time, meta.lastEntryTime)
        var batch = WriteBatch()
        var meta = meta
        meta.appliedIndex = index
        meta.lastEntryTime = entry.time
        setMeta(meta, in: &batch)
        let reply = try carryOut(entry, in: &batch)
        try write(batch)
        return reply
    }

    private func carryOut(_ entry: RegistryEntry, in batch: inout WriteBatch) throws(RegistryCoreError) -> Reply {
        switch entry.command {
        case .request(let request):
            return try carryOut(request, of: entry, in: &batch)
        case .markStale(let delay):
            try markStale(olderThan: delay, at: entry.time, in: &batch)
        case .setHasFiles(let changes):
            try setHasFiles(changes, in: &batch)
        }
        return .success(.registerBlockServices(RegisterBlockServicesResponse()))
    }

    private func carryOut(
        _ request: AnyRegistryRequest, of entry: RegistryEntry, in batch: inout WriteBatch
    ) throws(RegistryCoreError) -> Reply {
        switch request {
        case .createLocation(let request):
            return createLocation(request, in: &batch).map { .createLocation(CreateLocationResponse()) }
        case .renameLocation(let request):
            return renameLocation(request, in: &batch).map { .renameLocation(RenameLocationResponse()) }
        case .registerShard(let request):
            let slot = ReplicaSlot(request.shrid, location: request.location)
            return register(slot, isLeader: request.isLeader, addrs: request.addrs, by: entry, in: &batch)
                .map { .registerShard(RegisterShardResponse()) }
        case .registerCdc(let request):
            let slot = ReplicaSlot(location: request.location, group: .cdc, replica: request.replica)
            return register(slot, isLeader: request.isLeader, addrs: request.addrs, by: entry, in: &batch)
                .map { .registerCdc(RegisterCdcResponse()) }
        case .registerRegistry(let request):
            let slot = ReplicaSlot(location: request.location, group: .registry, replica: request.replicaId)
            return register(slot, isLeader: request.isLeader, addrs: request.addrs, by: entry, in: &batch)
                .map { .registerRegistry(RegisterRegistryResponse()) }
        case .registerReplica(let request):
            return register(request, by: entry, in: &batch).map { .registerReplica(RegisterReplicaResponse()) }
        case .moveShardLeader(let request):
            return moveLeader(to: ReplicaSlot(request.shrid, location: request.location), in: &batch)
                .map { .moveShardLeader(MoveShardLeaderResponse()) }
        case .moveCdcLeader(let request):
            let slot = ReplicaSlot(location: request.location, group: .cdc, replica: request.replica)
            return moveLeader(to: slot, in: &batch).map { .moveCdcLeader(MoveCdcLeaderResponse()) }
        case .clearShardInfo(let request):
            return clear(ReplicaSlot(request.shrid, location: request.location), in: &batch)
                .map { .clearShardInfo(ClearShardInfoResponse()) }
        case .clearCdcInfo(let request):
            let slot = ReplicaSlot(location: request.location, group: .cdc, replica: request.replica)
            return clear(slot, in: &batch).map { .clearCdcInfo(ClearCdcInfoResponse()) }
        case .registerBlockServices(let request):
            return try registerBlockServices(request, at: entry.time, in: &batch)
                .map { .registerBlockServices(RegisterBlockServicesResponse()) }
        case .setBlockServiceFlags(let request):
            return try setFlags(request, at: entry.time, in: &batch)
                .map { .setBlockServiceFlags(SetBlockServiceFlagsResponse()) }
        case .decommissionBlockService(let request):
            return try decommission(request, by: entry, in: &batch)
                .map { .decommissionBlockService(DecommissionBlockServiceResponse()) }
        case .updateBlockServicePath(let request):
            return try updatePath(request, in: &batch)
                .map { .updateBlockServicePath(UpdateBlockServicePathResponse()) }
        case .setDefaultOwnership(let request):
            guard request.isPossible else { return .failure(.malformedRequest) }
            try setDefaultOwnership(request, in: &batch)
            return .success(.setDefaultOwnership(SetDefaultOwnershipResponse()))
        default:
            return .failure(.unrecognizedRequest)
        }
    }
}
