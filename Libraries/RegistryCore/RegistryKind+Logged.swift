import Protocol

extension RegistryKind {
    /// Whether requests of this kind change the state and go through the log; the others are reads.
    public var isLogged: Bool {
        switch self {
        case .createLocation, .renameLocation, .registerShard, .registerCdc, .registerRegistry,
            .setBlockServiceFlags, .registerBlockServices, .decommissionBlockService, .moveShardLeader, .clearShardInfo,
            .moveCdcLeader, .clearCdcInfo, .updateBlockServicePath, .setDefaultOwnership, .registerReplica:
            true
        default: false
        }
    }

    /// Whether only the cluster's own programs may ask for it.
    public var needsProof: Bool {
        switch self {
        case .reportMetadataDisk, .reportGroups, .registrySteer: true
        default: isLogged
        }
    }
}
