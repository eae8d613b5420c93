import Protocol

/// Addresses 10.0.0.`host`:`port`.
func addrs(_ host: UInt32, port: UInt16 = 1000) -> AddrsInfo {
    AddrsInfo(
        addr1: IpPort(addrs: IPv4Address(rawValue: 0x0A00_0000 + host), port: port),
        addr2: IpPort(addrs: IPv4Address(rawValue: 0), port: 0))
}

/// A disk that registers.
func disk(
    _ id: UInt64, domain: String = "a", storageClass: StorageClass = .hdd, host: UInt32 = 1, port: UInt16 = 1000,
    available: UInt64 = 1 << 40, blocks: UInt64 = 0, flags: BlockServiceFlags = [], mask: BlockServiceFlags = [],
    location: UInt8 = 0, key: SecretKey? = nil, path: String = "/disk"
) -> RegisterBlockServiceInfo {
    RegisterBlockServiceInfo(
        id: BlockServiceID(rawValue: id), locationId: LocationID(rawValue: location), addrs: addrs(host, port: port),
        storageClass: storageClass, failureDomain: FailureDomain(name: domain),
        secretKey: key ?? SecretKey(low: id, high: ~id), flags: flags, flagsMask: mask.rawValue,
        capacityBytes: 1 << 42, availableBytes: available, blocks: blocks, path: Array(path.utf8))
}

func registration(_ disks: RegisterBlockServiceInfo...) -> AnyRegistryRequest { registration(disks) }

func registration(_ disks: [RegisterBlockServiceInfo]) -> AnyRegistryRequest {
    .registerBlockServices(RegisterBlockServicesRequest(blockServices: disks))
}

func setFlags(_ id: UInt64, _ flags: BlockServiceFlags, mask: BlockServiceFlags) -> AnyRegistryRequest {
    .setBlockServiceFlags(
        SetBlockServiceFlagsRequest(id: BlockServiceID(rawValue: id), flags: flags, flagsMask: mask.rawValue))
}

func decommission(_ id: UInt64) -> AnyRegistryRequest {
    .decommissionBlockService(DecommissionBlockServiceRequest(id: BlockServiceID(rawValue: id)))
}

func shardReplica(_ shard: UInt8, _ replica: UInt8 = 0) -> ShardReplicaID {
    ShardReplicaID(shard: ShardID(rawValue: shard), replica: ReplicaID(rawValue: replica))
}

func registerShard(
    _ shard: UInt8, replica: UInt8 = 0, leader: Bool = true, addrs: AddrsInfo, location: UInt8 = 0
) -> AnyRegistryRequest {
    .registerShard(
        RegisterShardRequest(
            shrid: shardReplica(shard, replica), isLeader: leader, addrs: addrs,
            location: LocationID(rawValue: location)))
}

func registerCdc(
    replica: UInt8 = 0, leader: Bool = true, addrs: AddrsInfo, location: UInt8 = 0
) -> AnyRegistryRequest {
    .registerCdc(
        RegisterCdcRequest(
            replica: ReplicaID(rawValue: replica), location: LocationID(rawValue: location), isLeader: leader,
            addrs: addrs))
}
