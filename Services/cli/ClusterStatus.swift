import Protocol

/// What the registry knows, for people.
struct ClusterStatus {
    var shards: [ShardInfo] = []
    var coordinator: LocalCdcResponse?
    var disks: [BlockServiceDeprecatedInfo] = []

    private var missingShards: Int { shards.count { $0.addrs.addr1.port == 0 } }
    private var hasCoordinator: Bool { (coordinator?.addrs.addr1.port ?? 0) != 0 }
    private var usable: [BlockServiceDeprecatedInfo] {
        disks.filter { $0.flags.isDisjoint(with: [.stale, .noRead, .noWrite, .decommissioned]) }
    }

    /// Every shard and the coordinator have an address, and every disk that was not retired is in use.
    var isHealthy: Bool {
        missingShards == 0 && hasCoordinator && usable.count == disks.count { !$0.flags.contains(.decommissioned) }
    }

    /// A few lines, and one for each disk. `now`: nanoseconds since the epoch.
    func text(now: UInt64) -> String {
        let capacity = usable.reduce(0) { $0 &+ $1.capacityBytes }
        let free = usable.reduce(0) { $0 &+ $1.availableBytes }
        var lines = [
            "shards        \(shards.count - missingShards) of \(shards.count) have an address",
            "coordinator   " + (hasCoordinator ? Self.address(coordinator) : "unknown"),
            "disks         \(usable.count) of \(disks.count) in use, "
                + "\(Set(usable.map(\.failureDomain)).count) failure domains, "
                + "\(Self.size(free)) of \(Self.size(capacity)) free",
        ]
        lines += disks.sorted { $0.path.lexicographicallyPrecedes($1.path) }.map { disk in
            let age = now > disk.lastSeen.nanoseconds ? (now - disk.lastSeen.nanoseconds) / 1_000_000_000 : 0
            return "  \(disk.id)  \(disk.failureDomain)  \(disk.storageClass)  \(Self.state(disk.flags))  "
                + "\(Self.size(disk.availableBytes)) free  \(disk.blocks) blocks  seen \(age) s ago  "
                + String(decoding: disk.path, as: UTF8.self)
        }
        return lines.joined(separator: "\n")
    }

    private static func address(_ coordinator: LocalCdcResponse?) -> String {
        coordinator.map { "\($0.addrs.addr1.addrs):\($0.addrs.addr1.port)" } ?? "unknown"
    }

    private static func state(_ flags: BlockServiceFlags) -> String {
        let names: [(BlockServiceFlags, String)] = [
            (.decommissioned, "decommissioned"), (.stale, "stale"), (.noRead, "no-read"), (.noWrite, "no-write"),
        ]
        let set = names.filter { flags.contains($0.0) }.map(\.1)
        return set.isEmpty ? "ok" : set.joined(separator: ",")
    }

    /// Binary units with one digit after the point.
    private static func size(_ bytes: UInt64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var value = bytes
        var unit = 0
        var tenths: UInt64 = 0
        while value >= 1024 && unit < units.count - 1 {
            tenths = value % 1024 * 10 / 1024
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(value) B" : "\(value).\(tenths) \(units[unit])"
    }
}
