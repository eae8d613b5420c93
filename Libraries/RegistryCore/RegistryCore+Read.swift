import Protocol

extension RegistryCore {
    /// Answers a request that changes nothing.
    ///
    /// - Parameter now: the wall clock; it dates `lastChange` answers and the assignment.
    /// - Throws: the protocol's refusals; UNRECOGNIZED_REQUEST for requests that have to go through the log.
    public func read(
        _ request: AnyRegistryRequest, at now: Timestamp
    ) throws(ProtocolError) -> AnyRegistryResponse {
        switch request {
        case .localShards:
            return .localShards(LocalShardsResponse(shards: try shards(at: configuration.location, now)))
        case .shardsAtLocation(let request):
            return .shardsAtLocation(ShardsAtLocationResponse(shards: try shards(at: request.locationId, now)))
        case .allShards:
            return .allShards(AllShardsResponse(shards: allShards()))
        case .localCdc:
            let way = try location(configuration.location).way(to: .cdc, at: now)
            return .localCdc(LocalCdcResponse(addrs: way.addrs, lastSeen: way.lastSeen))
        case .cdcAtLocation(let request):
            let way = try location(request.locationId).way(to: .cdc, at: now)
            return .cdcAtLocation(CdcAtLocationResponse(addrs: way.addrs, lastSeen: way.lastSeen))
        case .allCdc:
            return .allCdc(AllCdcResponse(replicas: allCdc()))
        case .cdcReplicasDeprecated:
            let replicas = try location(LocationID(rawValue: 0))[.cdc].map(\.addrs)
            return .cdcReplicasDeprecated(CdcReplicasDeprecatedResponse(replicas: replicas))
        case .locations:
            return .locations(LocationsResponse(locations: sortedLocations.map { LocationInfo(id: $0, name: $1.name) }))
        case .registry:
            return .registry(RegistryResponse(addrs: try ownAddrs()))
        case .allRegistryReplicas:
            return .allRegistryReplicas(AllRegistryReplicasResponse(replicas: allRegistries()))
        case .extensions:
            return .extensions(ExtensionsResponse(extensions: configuration.extensions))
        case .defaultOwnership where configuration.extensions.contains(.attributes):
            return .defaultOwnership(DefaultOwnershipResponse(defaultOwnership))
        case .clock where configuration.extensions.contains(.registryClock):
            return .clock(ClockResponse(time: now))
        default:
            return try readBlockServices(request, at: now)
        }
    }

    var sortedLocations: [(LocationID, LocationRow)] {
        locations.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key, $0.value) }
    }

    private func location(_ id: LocationID) throws(ProtocolError) -> LocationRow {
        guard let row = locations[id] else { throw .locationNotFound }
        return row
    }

    /// Exactly 256 entries, index = shard, zeros where the leader is unknown: the kernel client insists on it.
    private func shards(at id: LocationID, _ now: Timestamp) throws(ProtocolError) -> [ShardInfo] {
        let row = try location(id)
        return (0...UInt8.max).map { shard in
            let way = row.way(to: .shard(ShardID(rawValue: shard)), at: now)
            return ShardInfo(addrs: way.addrs, lastSeen: way.lastSeen)
        }
    }

    private func allShards() -> [FullShardInfo] {
        sortedLocations.flatMap { (id, location) in
            (0...UInt8.max).flatMap { shard in
                let shard = ShardID(rawValue: shard)
                return location[.shard(shard)].enumerated().map { (replica, row) in
                    FullShardInfo(
                        id: ShardReplicaID(shard: shard, replica: ReplicaID(rawValue: UInt8(replica))),
                        isLeader: row.isLeader, addrs: row.addrs, lastSeen: row.lastSeen, locationId: id)
                }
            }
        }
    }

    private func allCdc() -> [CdcInfo] {
        sortedLocations.flatMap { (id, location) in
            location[.cdc].enumerated().map { (replica, row) in
                CdcInfo(
                    replicaId: ReplicaID(rawValue: UInt8(replica)), locationId: id, isLeader: row.isLeader,
                    addrs: row.addrs, lastSeen: row.lastSeen)
            }
        }
    }

    private func allRegistries() -> [FullRegistryInfo] {
        sortedLocations.flatMap { (id, location) in
            location[.registry].enumerated().map { (replica, row) in
                FullRegistryInfo(
                    id: ReplicaID(rawValue: UInt8(replica)), locationId: id, isLeader: row.isLeader, addrs: row.addrs,
                    lastSeen: row.lastSeen)
            }
        }
    }

    private func ownAddrs() throws(ProtocolError) -> AddrsInfo {
        let rows = try location(configuration.location)[.registry]
        let replica = Int(configuration.replica.rawValue)
        guard rows.indices.contains(replica) else { throw .invalidReplica }
        return rows[replica].addrs
    }
}
