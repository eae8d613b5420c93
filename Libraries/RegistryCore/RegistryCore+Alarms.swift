import Protocol

/// What is wrong with the cluster at the moment, above all with its block services. Derived from the applied state; changes nothing.
extension RegistryCore {
    /// A decommissioned disk should hold no files after so long.
    private static let drainNanoseconds: UInt64 = 36 * 3600 * 1_000_000_000

    /// All alarms at the moment, in a stable order.
    /// - Parameter needs: what new spans take, if that is known.
    public func alarms(needs: [PlacementNeed], at now: Timestamp) -> [RegistryAlarm] {
        let rows = blockServices.values.sorted { $0.id.rawValue < $1.id.rawValue }
        return needs.compactMap { shortage(of: $0, rows) } + unreadableDomains(rows)
            + rows.compactMap { undrained($0, now) } + rows.compactMap(stale) + samePaths(rows)
            + silentMetadata(now)
    }

    private func shortage(of need: PlacementNeed, _ rows: [FullBlockServiceInfo]) -> RegistryAlarm? {
        let location = configuration.location
        let writable = rows.filter {
            $0.locationId == location && $0.storageClass == need.storageClass && $0.isWritable
        }
        let domains = Set(writable.map(\.failureDomain)).count
        guard domains < need.failureDomains else { return nil }
        return RegistryAlarm(
            .tooFewFailureDomains, "\(need.storageClass)",
            "only \(domains) failure domains of class \(need.storageClass) can be written to, a span of the root "
                + "directory's policy needs \(need.failureDomains): files may not be stored")
    }

    private func unreadableDomains(_ rows: [FullBlockServiceInfo]) -> [RegistryAlarm] {
        let unreadable = rows.filter { $0.isUnreadable && $0.mayHoldFiles && !($0.isDecommissioned && !$0.hasFiles) }
        let limit = Int(configuration.rules.maximumUnavailableFailureDomains)
        return Dictionary(grouping: unreadable, by: \.locationId).sorted { $0.key.rawValue < $1.key.rawValue }
            .flatMap { location, services in
                let domains = Dictionary(grouping: services, by: \.failureDomain)
                let loud = domains.count >= limit ? "; \(domains.count) are, which is as many as may be" : ""
                return domains.sorted { $0.value[0].id.rawValue < $1.value[0].id.rawValue }.map { domain, services in
                    let disks = services.map(\.id.description).joined(separator: ", ")
                    return RegistryAlarm(
                        .unreadableFailureDomain, "\(location) \(domain)",
                        "in failure domain \(domain) disks with files cannot be read: \(disks)\(loud)")
                }
            }
    }

    private func undrained(_ row: FullBlockServiceInfo, _ now: Timestamp) -> RegistryAlarm? {
        guard row.isDecommissioned, row.hasFiles, row.lastInfoChange.adding(Self.drainNanoseconds) <= now else {
            return nil
        }
        return RegistryAlarm(
            .undrained, row.id.description,
            "\(row.nameForPeople) is decommissioned for over 36 hours and still holds files: does sterna-gc run?")
    }

    private func stale(_ row: FullBlockServiceInfo) -> RegistryAlarm? {
        // Whoever set both of these knows.
        guard row.flags.contains(.stale), !row.flags.isSuperset(of: [.noRead, .noWrite]) else { return nil }
        return RegistryAlarm(
            .stale, row.id.description,
            "\(row.nameForPeople) does not report any more: is its service running and its disk there?")
    }

    private func samePaths(_ rows: [FullBlockServiceInfo]) -> [RegistryAlarm] {
        struct Place: Hashable {
            let address: IPv4Address
            let path: [UInt8]
        }
        let inUse = rows.filter { !$0.isDecommissioned && !$0.path.isEmpty }
        return Dictionary(grouping: inUse) { Place(address: $0.addrs.addr1.addrs, path: $0.path) }.values
            .filter { $0.count > 1 }.sorted { $0[0].id.rawValue < $1[0].id.rawValue }
            .map { services in
                let numbers = services.map(\.id.description).joined(separator: ", ")
                let path = String(decoding: services[0].path, as: UTF8.self)
                return RegistryAlarm(
                    .samePath, numbers,
                    "the disks \(numbers) claim the same path \(path): decommission those that are gone")
            }
    }
}

extension FullBlockServiceInfo {
    fileprivate var nameForPeople: String { "disk \(id) (\(String(decoding: path, as: UTF8.self)))" }
}
