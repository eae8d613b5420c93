import Protocol

/// Shards and coordinators that were there and do not register any more: while one is away, everything that needs it
/// waits.
extension RegistryCore {
    /// They register once a minute; one lost registration is none of an operator's business.
    private static let silenceNanoseconds: UInt64 = 180_000_000_000

    /// One alarm for each kind of service and location, however many are silent.
    func silentMetadata(_ now: Timestamp) -> [RegistryAlarm] {
        // As for block services: the registry itself may have been away.
        guard staleness.lastTick != nil, now >= staleness.graceUntil else { return [] }
        return sortedLocations.flatMap { id, location in
            let shards = (0...UInt8.max).filter { shard in
                isSilent(location.leader(of: .shard(ShardID(rawValue: shard))), now)
            }
            var alarms: [RegistryAlarm] = []
            if let first = shards.first {
                let what = "\(shards.count) shards do not report any more (\(first), …)"
                let one = "shard \(first) does not report any more"
                alarms.append(silence("\(id) shards", shards.count == 1 ? one : what, id))
            }
            if isSilent(location.leader(of: .cdc), now) {
                alarms.append(silence("\(id) cdc", "the coordinator does not report any more", id))
            }
            return alarms
        }
    }

    private func isSilent(_ row: ReplicaRow, _ now: Timestamp) -> Bool {
        row.hasAddress && row.lastSeen.adding(Self.silenceNanoseconds) <= now
    }

    private func silence(_ subject: String, _ what: String, _ location: LocationID) -> RegistryAlarm {
        let place = location == .default ? "" : " (location \(location))"
        return RegistryAlarm(.silentMetadata, subject, "\(what)\(place): what needs it waits; is its service running?")
    }
}
