import Protocol

/// Which block services are evacuated, and by how many hands.
package struct MigrationOptions: Hashable, Sendable {
    /// Services to evacuate besides the decommissioned ones, whatever their flags.
    package var services: Set<BlockServiceID> = []
    /// Whether decommissioned services are evacuated.
    package var takesDecommissioned = true
    /// Whether services that take no new blocks (NO_WRITE) are evacuated.
    package var takesDraining = false
    /// Files are dealt out to so many migrators by their number…
    package var migrators: UInt64 = 1
    /// … of which this is one, counted from 0.
    package var index: UInt64 = 0
    /// Files worked on at the same time.
    package var filesAtOnce = 16
    /// Shards asked for their files at the same time.
    package var shardsAtOnce = 8
    /// How often the registry is asked which services are to be evacuated.
    package var pollNanoseconds: UInt64 = 60_000_000_000

    package init() {}

    /// Whether this migrator looks after the file.
    func isMine(_ file: InodeID) -> Bool {
        (file.rawValue >> 8) % max(1, migrators) == index
    }

    /// Whether a service is to be evacuated.
    /// - Parameter isFirstLook: at first also those are looked at of which the registry says that they hold nothing,
    ///   because it may not have asked the shards yet.
    func takes(_ service: BlockServiceDeprecatedInfo, isFirstLook: Bool) -> Bool {
        if services.contains(service.id) { return true }
        guard service.hasFiles || isFirstLook else { return false }
        if service.flags.contains(.decommissioned) { return takesDecommissioned }
        return takesDraining && service.flags.contains(.noWrite)
    }
}
