import Protocol
import Wire

/// What must hold after every entry; tests and the simulator check it constantly.
extension RegistryCore {
    /// Calls `report` with one sentence for each violation.
    public func checkInvariants(_ report: (String) -> Void) {
        checkReplicas(report)
        checkBlockServices(report)
        checkAssignment(report)
        if let defaultOwnership, !defaultOwnership.isPossible { report("no inode can have the default ownership") }
        checkStore(report)
    }

    private func checkReplicas(_ report: (String) -> Void) {
        if locations[LocationID(rawValue: 0)] == nil { report("location 0 is missing") }
        for (id, location) in locations {
            for group in ReplicaGroup.all {
                let rows = location[group]
                if rows.filter(\.isLeader).count > 1 {
                    report("location \(id.rawValue) group \(group.index) has several leaders")
                }
                if rows.contains(where: { $0.lastSeen > meta.lastEntryTime }) {
                    report("location \(id.rawValue) group \(group.index) was seen after the last entry")
                }
            }
        }
    }

    private func checkBlockServices(_ report: (String) -> Void) {
        for (id, row) in blockServices {
            let name = "block service \(id.rawValue)"
            if row.id != id { report("\(name) is filed under another id") }
            if locations[row.locationId] == nil { report("\(name) is at an unknown location") }
            if row.isDecommissioned && row.flags != .decommissioned { report("\(name) is decommissioned and more") }
            if row.lastSeen < row.firstSeen { report("\(name) was last seen before it was first seen") }
            if max(row.lastSeen, row.lastInfoChange) > meta.lastEntryTime {
                report("\(name) changed after the last entry")
            }
        }
    }

    private func checkAssignment(_ report: (String) -> Void) {
        for (shard, services) in assignment.current.shards.enumerated() {
            var seen: Set<AssignmentPlace> = []
            if services.count > 255 { report("shard \(shard) has \(services.count) writable block services") }
            for service in services {
                let place = AssignmentPlace(
                    location: service.locationId, storageClass: service.storageClass, domain: service.failureDomain)
                if !seen.insert(place).inserted { report("shard \(shard) has a failure domain twice") }
                let isWritable = blockServices[service.id]?.isWritable ?? false
                if !isWritable && !assignment.isDirty {
                    report("shard \(shard) has block service \(service.id.rawValue), which is not writable")
                }
            }
        }
    }

    /// What is in memory must be what a restart would read.
    private func checkStore(_ report: (String) -> Void) {
        do throws(RegistryCoreError) {
            let reopened = try RegistryCore(store: store, prefix: tables.prefix, configuration: configuration)
            if reopened.meta != meta { report("meta differs from the store") }
            if reopened.standing != standing { report("the standing differs from the store") }
            if reopened.locations != locations { report("locations differ from the store") }
            if reopened.blockServices != blockServices { report("block services differ from the store") }
            if reopened.defaultOwnership != defaultOwnership { report("the default ownership differs from the store") }
        } catch {
            report("the store does not open: \(error)")
        }
    }

    private struct AssignmentPlace: Hashable {
        var location: LocationID
        var storageClass: StorageClass
        var domain: FailureDomain
    }
}
