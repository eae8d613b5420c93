import Logging
import Protocol

/// Compares our disks with what the registry knows, before anything is served (spec services B.3).
enum RegistryComparison {
    static func apply(
        _ known: [BlockServiceDeprecatedInfo], to disks: [ServedDisk], logger: Logger
    ) throws(StartupError) {
        var ours: [BlockServiceID: ServedDisk] = [:]
        for disk in disks {
            if let other = ours.updateValue(disk, forKey: disk.id) {
                throw .sameDisk(first: other.disk.path, second: disk.disk.path)
            }
        }
        for service in known {
            let isDecommissioned = service.flags.contains(.decommissioned)
            if let disk = ours[service.id] {
                guard service.failureDomain == disk.failureDomain else {
                    throw .wrongFailureDomain(
                        path: disk.disk.path, registered: service.failureDomain, configured: disk.failureDomain)
                }
                disk.isDead = isDecommissioned
                if isDecommissioned { logger.notice("\(disk.announcedPath) is decommissioned and not served") }
            } else if !isDecommissioned {
                try expectElsewhere(service, disks)
            }
        }
    }

    /// Refuses when another of our disks stands where this one should be.
    private static func expectElsewhere(
        _ service: BlockServiceDeprecatedInfo, _ disks: [ServedDisk]
    ) throws(StartupError) {
        guard let disk = disks.first(where: { Array($0.announcedPath.utf8) == service.path }) else { return }
        throw .otherDisk(path: disk.disk.path, found: disk.id, expected: service.id)
    }
}
