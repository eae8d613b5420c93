import Chance
import Protocol

/// Chooses the block services of a new span (metadata.md B.9).
struct BlockServicePicker {
    /// What may be picked: at most one block service per failure domain.
    private var candidates: [BlockServiceInfoShort] = []

    init(table: BlockServiceTable, location: LocationID, storageClass: StorageClass, blacklist: [BlacklistEntry]) {
        let badServices = Set(blacklist.map(\.blockService))
        var takenDomains = Set(blacklist.map(\.failureDomain))
        for service in table.assigned
        where service.locationId == location && service.storageClass == storageClass {
            // The registry assigns writable services only, but its answer may be a minute old.
            if let known = table.services[service.id], !known.flags.isWritable { continue }
            guard !badServices.contains(service.id), takenDomains.insert(service.failureDomain).inserted else {
                continue
            }
            candidates.append(service)
        }
    }

    /// Picks `count` services, first those among `preferred` that may be picked, in that order, then random ones.
    /// Nil when there are not enough. The same time gives the same choice.
    func pick(_ count: Int, preferring preferred: [BlockServiceID], at time: Timestamp) -> [BlockServiceID]? {
        guard candidates.count >= count else { return nil }
        var candidates = candidates
        var picked: [BlockServiceID] = []
        for service in preferred where picked.count < count {
            guard let index = candidates.firstIndex(where: { $0.id == service }) else { continue }
            picked.append(candidates.remove(at: index).id)
        }
        var random = SplitMix(seed: time.nanoseconds)
        while picked.count < count {
            let index = Int(random.next(below: UInt64(candidates.count)))
            picked.append(candidates[index].id)
            candidates.swapAt(index, candidates.count - 1)
            candidates.removeLast()
        }
        return picked
    }
}

extension SplitMix {
    /// A number in `0 ..< bound`; `bound` must not be 0.
    fileprivate mutating func next(below bound: UInt64) -> UInt64 {
        next().multipliedFullWidth(by: bound).high
    }
}
