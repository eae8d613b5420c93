import Protocol

/// What the registry does not tell yet: bytes that left a disk lie there until garbage collection erases them, and
/// bytes that came show when the disk registers the next time. Pure.
struct FillForecast: Sendable {
    private struct Change {
        let disk: BlockServiceID
        let bytes: Int64
        let until: UInt64
    }

    private var changes: [Change] = []

    /// - Parameter until: when the registry can be expected to know, in nanoseconds since the epoch.
    mutating func add(_ bytes: Int64, on disk: BlockServiceID, until: UInt64) {
        changes.append(Change(disk: disk, bytes: bytes, until: until))
    }

    mutating func expire(now: UInt64) {
        changes.removeAll { $0.until <= now }
    }

    var disks: Set<BlockServiceID> { Set(changes.map(\.disk)) }

    /// The disks as they will be.
    func applied(to disks: [DiskFill]) -> [DiskFill] {
        var sums: [BlockServiceID: Int64] = [:]
        for change in changes {
            let sum = sums[change.disk, default: 0].addingReportingOverflow(change.bytes)
            sums[change.disk] = sum.overflow ? (change.bytes > 0 ? .max : .min) : sum.partialValue
        }
        return disks.map { disk in sums[disk.id].map { disk.adding($0) } ?? disk }
    }
}
