import Chance
import Protocol

/// Which block services each shard may write to (services.md A.8): at most one per failure domain within a
/// location and storage class, spread so that every disk serves about as many shards as any other.
///
/// A pure function of the usable services and a seed. Small clusters are first class: a shard gets
/// `min(28, failure domains)` services per class, however few domains there are.
public struct WritableAssignment: Sendable {
    /// 28 = two full spans of 10+4: half of a shard's candidates may be away.
    public static let defaultTargetPerShard = 28

    /// Index = shard number; always 256 lists, each sorted by location, class, failure domain.
    public private(set) var shards: [[BlockServiceInfoShort]]

    /// An assignment of nothing to nobody.
    public init() { shards = Array(repeating: [], count: RegistryLimits.shards) }

    /// - Parameters:
    ///   - usable: the services that may take new blocks now, each id once.
    ///   - seed: decides ties only.
    ///   - target: candidates per shard, location and class, if there are as many failure domains.
    public init(usable: [FullBlockServiceInfo], seed: UInt64, target: Int = defaultTargetPerShard) {
        self.init()
        var random = SplitMix(seed: seed)
        let groups = Dictionary(grouping: usable) { GroupKey(location: $0.locationId, storageClass: $0.storageClass) }
        guard !groups.isEmpty else { return }
        // A shard refuses lists of 256 and more (block service indices are bytes).
        let limit = max(1, min(target, 255 / groups.count))
        for key in groups.keys.sorted() {
            var group = AssignmentGroup(services: groups[key] ?? [])
            for (shard, chosen) in group.assign(perShard: limit, random: &random).enumerated() {
                shards[shard].append(contentsOf: chosen)
            }
        }
    }

    private struct GroupKey: Hashable, Comparable {
        var location: LocationID
        var storageClass: StorageClass

        static func < (left: GroupKey, right: GroupKey) -> Bool {
            (left.location.rawValue, left.storageClass.rawValue)
                < (right.location.rawValue, right.storageClass.rawValue)
        }
    }
}
