import Protocol

/// What others want to know about block services.
extension RegistryCore {
    /// Changes are reported again for this long, so that a reader who got older data from a shard meanwhile is put
    /// right (services.md A.11). Ten minutes.
    private static let changeOverlapNanoseconds: UInt64 = 600 * 1_000_000_000

    func readBlockServices(
        _ request: AnyRegistryRequest, at now: Timestamp
    ) throws(ProtocolError) -> AnyRegistryResponse {
        switch request {
        case .info:
            return .info(info())
        case .localChangedBlockServices(let request):
            return .localChangedBlockServices(
                LocalChangedBlockServicesResponse(
                    lastChange: now.subtracting(Self.changeOverlapNanoseconds),
                    blockServices: try changed(at: configuration.location, since: request.changedSince)))
        case .changedBlockServicesAtLocation(let request):
            return .changedBlockServicesAtLocation(
                ChangedBlockServicesAtLocationResponse(
                    lastChange: now.subtracting(Self.changeOverlapNanoseconds),
                    blockServices: try changed(at: request.locationId, since: request.changedSince)))
        case .shardBlockServices(let request):
            return .shardBlockServices(
                ShardBlockServicesResponse(blockServices: writableBlockServices(of: request.shardId, at: now)))
        case .shardBlockServicesDeprecated(let request):
            return .shardBlockServicesDeprecated(
                ShardBlockServicesDeprecatedResponse(
                    blockServices: writableBlockServices(of: request.shardId, at: now).map(\.id)))
        case .allBlockServicesDeprecated:
            return .allBlockServicesDeprecated(AllBlockServicesDeprecatedResponse(blockServices: allBlockServices()))
        case .eraseDecommissionedBlock(let request):
            return .eraseDecommissionedBlock(EraseDecommissionedBlockResponse(proof: try eraseProof(request)))
        default:
            throw .unrecognizedRequest
        }
    }

    /// The cluster's totals; what is decommissioned no longer counts.
    private func info() -> InfoResponse {
        var info = InfoResponse(numBlockServices: 0, numFailureDomains: 0, capacity: 0, available: 0, blocks: 0)
        var domains: Set<FailureDomain> = []
        for row in blockServices.values where !row.isDecommissioned {
            info.numBlockServices += 1
            domains.insert(row.failureDomain)
            info.capacity = info.capacity.addingClamped(row.capacityBytes)
            info.available = info.available.addingClamped(row.availableBytes)
            info.blocks = info.blocks.addingClamped(row.blocks)
        }
        info.numFailureDomains = UInt32(domains.count)
        return info
    }

    private func changed(at location: LocationID, since: Timestamp) throws(ProtocolError) -> [BlockService] {
        guard locations[location] != nil else { throw .locationNotFound }
        return blockServices.values
            .filter { $0.locationId == location && $0.lastInfoChange >= since }
            .sorted { ($0.lastInfoChange, $0.id.rawValue) < ($1.lastInfoChange, $1.id.rawValue) }
            .map { BlockService(addrs: $0.addrs, id: $0.id, flags: $0.flags) }
    }

    /// The whole table, secret keys included, newest change first.
    public func allBlockServices() -> [BlockServiceDeprecatedInfo] {
        blockServices.values
            .sorted { ($1.lastInfoChange, $0.id.rawValue) < ($0.lastInfoChange, $1.id.rawValue) }
            .map { row in
                BlockServiceDeprecatedInfo(
                    id: row.id, addrs: row.addrs, storageClass: row.storageClass, failureDomain: row.failureDomain,
                    secretKey: row.secretKey, flags: row.flags, capacityBytes: row.capacityBytes,
                    availableBytes: row.availableBytes, blocks: row.blocks, path: row.path, lastSeen: row.lastSeen,
                    hasFiles: row.hasFiles, flagsLastChanged: row.lastInfoChange)
            }
    }

    /// Stands in for a disk that is gone for good: the shard needs a proof before it forgets a block (A.9).
    private func eraseProof(_ request: EraseDecommissionedBlockRequest) throws(ProtocolError) -> MAC {
        guard let row = blockServices[request.blockServiceId], row.flags == .decommissioned else {
            throw .blockServiceNotFound
        }
        let key = MACKey(row.secretKey)
        guard request.certificate == key.eraseCertificate(blockService: row.id, block: request.blockId) else {
            throw .badCertificate
        }
        return key.eraseProof(blockService: row.id, block: request.blockId)
    }
}

extension UInt64 {
    /// The sum, or the largest value when it does not fit: totals of what others report must not overflow.
    fileprivate func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
