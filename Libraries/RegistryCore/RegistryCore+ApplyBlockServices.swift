import Protocol
import Store

/// Block services registering, and their flags (services.md A.5, A.6, A.7).
extension RegistryCore {
    /// Registers each service by itself: one that is refused does not silence the heartbeats of the others.
    func registerBlockServices(
        _ request: RegisterBlockServicesRequest, at time: Timestamp, in batch: inout WriteBatch
    ) throws(RegistryCoreError) -> Result<Void, ProtocolError> {
        var result: Result<Void, ProtocolError> = .success(())
        for service in request.blockServices {
            let row: FullBlockServiceInfo
            do throws(ProtocolError) {
                row = try registered(service, at: time)
            } catch {
                if case .success = result { result = .failure(error) }
                continue
            }
            try setBlockService(row, in: &batch)
        }
        return result
    }

    /// The row of a service after it registered.
    private func registered(
        _ service: RegisterBlockServiceInfo, at time: Timestamp
    ) throws(ProtocolError) -> FullBlockServiceInfo {
        try service.checkRegistrable()
        let mask = BlockServiceFlags(rawValue: service.flagsMask).intersection(.settable)
        guard locations[service.locationId] != nil else { throw .locationNotFound }
        guard let old = blockServices[service.id] else {
            guard blockServices.count < RegistryLimits.blockServices else { throw .internalError }
            return FullBlockServiceInfo(new: service, flags: service.flags.intersection(mask), at: time)
        }
        guard isConsistent(service, with: old) else { throw .inconsistentBlockServiceRegistration }
        var row = old
        if row.addrs != service.addrs {
            row.addrs = service.addrs
            row.lastInfoChange = time
        }
        row.path = service.path
        row.capacityBytes = service.capacityBytes
        row.availableBytes = service.availableBytes
        row.blocks = service.blocks
        row.lastSeen = time
        if !row.isDecommissioned {
            row.setFlags(
                row.flags.subtracting(mask).union(service.flags.intersection(mask)).subtracting(.stale), at: time)
        }
        return row
    }

    /// Whether this can be the disk that the row is about. A disk that is in touch stays on its host, so that two
    /// copies of one disk are told apart; one that went silent may have been carried elsewhere.
    private func isConsistent(_ service: RegisterBlockServiceInfo, with row: FullBlockServiceInfo) -> Bool {
        service.locationId == row.locationId && service.storageClass == row.storageClass
            && service.failureDomain == row.failureDomain && service.secretKey == row.secretKey
            && (service.addrs.sharesIP(with: row.addrs) || row.flags.contains(.stale) || row.isDecommissioned)
    }

    func setFlags(
        _ request: SetBlockServiceFlagsRequest, at time: Timestamp, in batch: inout WriteBatch
    ) throws(RegistryCoreError) -> Result<Void, ProtocolError> {
        guard var row = blockServices[request.id] else { return .failure(.blockServiceNotFound) }
        let mask = BlockServiceFlags(rawValue: request.flagsMask).intersection([.noRead, .noWrite, .decommissioned])
        let flags = request.flags.intersection(mask)
        if row.isDecommissioned {
            let unsets = mask.contains(.decommissioned) && !flags.contains(.decommissioned)
            return unsets ? .failure(.cannotUnsetDecommissioned) : .success(())
        }
        row.setFlags(
            flags.contains(.decommissioned) ? .decommissioned : row.flags.subtracting(mask).union(flags), at: time)
        try setBlockService(row, in: &batch)
        return .success(())
    }

    /// A block service asks to be taken out because its disk fails. Granted seldom and to few failure domains at a
    /// time: with P parity blocks, more than that would risk files.
    func decommission(
        _ request: DecommissionBlockServiceRequest, by entry: RegistryEntry, in batch: inout WriteBatch
    ) throws(RegistryCoreError) -> Result<Void, ProtocolError> {
        guard var row = blockServices[request.id] else { return .failure(.blockServiceNotFound) }
        if row.isDecommissioned { return .success(()) }
        guard mayDecommission(row, by: entry) else { return .failure(.autoDecommissionForbidden) }
        row.setFlags(.decommissioned, at: entry.time)
        try setBlockService(row, in: &batch)
        var meta = meta
        meta.lastAutoDecommission = entry.time
        setMeta(meta, in: &batch)
        return .success(())
    }

    private func mayDecommission(_ row: FullBlockServiceInfo, by entry: RegistryEntry) -> Bool {
        let last = meta.lastAutoDecommission.nanoseconds
        let (since, isEarlier) = entry.time.nanoseconds.subtractingReportingOverflow(last)
        if last != 0 && (isEarlier || since < entry.rules.minimumAutoDecommissionIntervalNanoseconds) { return false }
        var unavailable: Set<FailureDomain> = [row.failureDomain]
        for other in blockServices.values
        where other.locationId == row.locationId && other.isUnreadable && other.mayHoldFiles {
            unavailable.insert(other.failureDomain)
        }
        return unavailable.count < Int(entry.rules.maximumUnavailableFailureDomains)
    }

    func updatePath(
        _ request: UpdateBlockServicePathRequest, in batch: inout WriteBatch
    ) throws(RegistryCoreError) -> Result<Void, ProtocolError> {
        guard var row = blockServices[request.id] else { return .failure(.blockServiceNotFound) }
        row.path = request.newPath
        try setBlockService(row, in: &batch)
        return .success(())
    }

    func setHasFiles(_ changes: [HasFilesChange], in batch: inout WriteBatch) throws(RegistryCoreError) {
        for change in changes {
            guard var row = blockServices[change.id], row.hasFiles != change.hasFiles else { continue }
            row.hasFiles = change.hasFiles
            try setBlockService(row, in: &batch)
        }
    }
}
