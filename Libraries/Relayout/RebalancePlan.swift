import Protocol

/// Which disk is to give blocks to which others, if any. Pure.
///
/// Disks of one storage class should be equally full, in percent. A class is left alone until its fullest disk is a
/// margin fuller than the emptiest that can take something, and then evened out to half of the margin, so that small
/// changes do not start it again. Only disks below the average receive and only ones above it give, so no block that
/// was moved is moved on.
public struct RebalancePlan: Sendable {
    /// Blocks to be moved from one disk.
    public struct Relief: Hashable, Sendable {
        public var source: BlockServiceID
        /// Disks of the same class that may receive them.
        public var targets: Set<BlockServiceID>
        /// Disks of the same class that may not.
        public var avoided: Set<BlockServiceID>
        /// So many bytes; about.
        public var bytes: UInt64
    }

    /// Differences up to this share of the capacity are let be, 0…1.
    private let margin: Double
    /// Moved at a time at most.
    private let batchBytes: UInt64
    /// Classes being evened out.
    private var active: Set<StorageClass> = []

    public init(margin: Double, batchBytes: UInt64) {
        self.margin = margin
        self.batchBytes = batchBytes
    }

    /// What is known of the disks of a cluster.
    public struct View: Sendable {
        /// As the registry shows them.
        public var shown: [DiskFill]
        /// As they will be once everything that is under way shows; the same disks.
        public var expected: [DiskFill]
        /// Disks that gave or received lately, about which the registry and the expectation may both be wrong. They go
        /// on as they began and do not change sides.
        public var giving: Set<BlockServiceID>
        public var receiving: Set<BlockServiceID>
        /// Disks that have nothing that could go elsewhere.
        public var stuck: Set<BlockServiceID>

        public init(
            shown: [DiskFill], expected: [DiskFill]? = nil, giving: Set<BlockServiceID> = [],
            receiving: Set<BlockServiceID> = [], stuck: Set<BlockServiceID> = []
        ) {
            self.shown = shown
            self.expected = expected ?? shown
            self.giving = giving
            self.receiving = receiving
            self.stuck = stuck
        }
    }

    /// What to do next, nil when all is even.
    public mutating func next(_ view: View) -> Relief? {
        let classes = Set(view.shown.map(\.storageClass)).sorted { $0.rawValue < $1.rawValue }
        for storageClass in classes {
            if let relief = next(storageClass, view) { return relief }
        }
        return nil
    }

    private mutating func next(_ storageClass: StorageClass, _ view: View) -> Relief? {
        let average = Self.average(view.shown.filter { $0.storageClass == storageClass && $0.isUsable })
        let disks = view.expected.filter { $0.storageClass == storageClass }
        let usable = disks.filter(\.isUsable)
        let sources = usable.filter {
            $0.isReadable && $0.share > average && !view.stuck.contains($0.id) && !view.receiving.contains($0.id)
        }
        let targets = usable.filter { $0.isWritable && $0.share < average && !view.giving.contains($0.id) }
        guard let fullest = sources.max(by: { ($0.share, $0.id) < ($1.share, $1.id) }),
            let emptiest = targets.map(\.share).min()
        else {
            active.remove(storageClass)
            return nil
        }
        let gap = fullest.share - emptiest
        guard gap > (active.contains(storageClass) ? margin / 2 : margin) else {
            active.remove(storageClass)
            return nil
        }
        active.insert(storageClass)
        let chosen = Set(targets.filter { $0.share < fullest.share - margin / 4 }.map(\.id))
        let surplus = (fullest.share - average) * Double(fullest.capacityBytes)
        return Relief(
            source: fullest.id, targets: chosen,
            avoided: Set(disks.map(\.id)).subtracting(chosen).subtracting([fullest.id]),
            bytes: min(batchBytes, UInt64(max(surplus, 1))))
    }

    /// Of what is shown: blocks that were moved count twice until they are erased where they were, so it is too high
    /// rather than too low, and everybody stops early.
    private static func average(_ disks: [DiskFill]) -> Double {
        let capacity = disks.reduce(0.0) { $0 + Double($1.capacityBytes) }
        return capacity > 0 ? disks.reduce(0.0) { $0 + Double($1.usedBytes) } / capacity : 0
    }
}
