import Protocol

extension MaintenanceState {
    /// Reads every entry once, so that damage shows at the start and not in the middle of work.
    public func verify() throws(MaintenanceStateError) {
        for (_, value) in try entries(StateKey("d")) { _ = try Self.duty(value, "a duty") }
        for (_, value) in try entries(StateKey("s")) { _ = try Self.shard(value, "a shard") }
        _ = try clockLook()
        _ = try departures(after: .zero)
        for (disk, _) in try disks() { _ = try findings(on: disk) }
    }
}
