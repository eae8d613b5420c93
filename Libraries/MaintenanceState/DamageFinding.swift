import Protocol
import Store
import Wire

/// A damaged block that was found and what became of it.
public struct DamageFinding: Hashable, Sendable {
    /// What was done about the damage.
    public enum Outcome: UInt8, Hashable, Sendable, CustomStringConvertible {
        /// Not known yet; stays so when the process ends before the repair does.
        case found = 0
        /// The span has a good block elsewhere instead.
        case repaired = 1
        /// The data could not be restored, or not now. It is tried again in the next pass.
        case unrepairable = 2
        /// The file was deleted, or the block moved, before it could be repaired.
        case gone = 3
        /// The disk answered for the block at last; what it said is another finding, if it is worth one.
        case answered = 4

        public var description: String {
            switch self {
            case .found: "found"
            case .repaired: "repaired"
            case .unrepairable: "UNREPAIRABLE"
            case .gone: "gone"
            case .answered: "answered"
            }
        }
    }

    public var disk: BlockServiceID
    public var time: Timestamp
    public var file: InodeID
    /// Where the block's span begins in the file.
    public var spanOffset: UInt64
    /// Null: the shard could not say which blocks the file has.
    public var block: BlockID
    public var damage: BlockDamage
    public var outcome: Outcome
    /// Why it could not be repaired; may be empty.
    public var detail: String

    /// Whether the damage is, as far as is known, still there.
    public var isOpen: Bool { outcome == .found || outcome == .unrepairable }

    fileprivate var usefulness: Int {
        guard isOpen else { return 0 }
        return damage == .unanswered ? 1 : 2
    }

    public init(
        disk: BlockServiceID, time: Timestamp, file: InodeID, spanOffset: UInt64, block: BlockID, damage: BlockDamage,
        outcome: Outcome, detail: String = ""
    ) {
        self.disk = disk
        self.time = time
        self.file = file
        self.spanOffset = spanOffset
        self.block = block
        self.damage = damage
        self.outcome = outcome
        self.detail = detail
    }
}

extension MaintenanceState {
    /// Findings kept for each disk. Of more, closed ones are forgotten first, then those that may be no damage, then
    /// the oldest: what waits for somebody stays.
    public static let findingsPerDisk = 100

    /// Remembers a finding. One of the same time and block replaces the earlier.
    public func add(_ finding: DamageFinding) throws(MaintenanceStateError) {
        let key = Self.key(of: finding)
        let prefix = Self.key(findingsOn: finding.disk)
        // Keys are in the order of time. One that cannot be decoded is the first to go.
        let others = try entries(prefix).filter { $0.key != key.bytes }
            .map { entry in
                let known = try? Self.decode(entry.key, entry.value, prefix, finding.disk)
                return (key: entry.key, usefulness: known?.usefulness ?? -1)
            }
        let surplus = max(0, others.count - (Self.findingsPerDisk - 1))
        let least = others.enumerated().sorted { ($0.1.usefulness, $0.0) < ($1.1.usefulness, $1.0) }.prefix(surplus)
        // What is settled already does not push out what is not.
        if let last = least.last, last.element.usefulness > finding.usefulness { return }
        var batch = WriteBatch()
        for (_, old) in least { batch.delete(old.key) }
        var writer = StateWriter()
        writer.put(finding.file.rawValue)
        writer.put(finding.spanOffset)
        writer.put(finding.damage.rawValue)
        writer.put(finding.outcome.rawValue)
        writer.put(finding.detail)
        batch.put(key.bytes, writer.bytes)
        try write(batch)
    }

    /// The last findings on a disk, oldest first.
    public func findings(on disk: BlockServiceID) throws(MaintenanceStateError) -> [DamageFinding] {
        let prefix = Self.key(findingsOn: disk)
        var findings: [DamageFinding] = []
        for (key, value) in try entries(prefix) {
            findings.append(try Self.decode(key, value, prefix, disk))
        }
        return findings
    }

    private static func decode(
        _ key: [UInt8], _ value: [UInt8], _ prefix: StateKey, _ disk: BlockServiceID
    ) throws(MaintenanceStateError) -> DamageFinding {
        let (time, block) = try StateReader.read(
            Array(key.dropFirst(prefix.bytes.count)), "finding on disk \(disk)"
        ) { (reader) throws(DecodeError) in
            (try reader.integer(UInt64.self).byteSwapped, try reader.integer(UInt64.self).byteSwapped)
        }
        let finding = try StateReader.read(value, "finding on disk \(disk)") { (reader) throws(DecodeError) in
            let (file, offset): (UInt64, UInt64) = (try reader.integer(), try reader.integer())
            let damage = BlockDamage(rawValue: try reader.integer())
            let outcome = DamageFinding.Outcome(rawValue: try reader.integer())
            let detail = try reader.text()
            return damage.flatMap { damage in
                outcome.map {
                    DamageFinding(
                        disk: disk, time: Timestamp(nanoseconds: time), file: InodeID(rawValue: file),
                        spanOffset: offset, block: BlockID(rawValue: block), damage: damage, outcome: $0,
                        detail: detail)
                }
            }
        }
        guard let finding else { throw .damaged("finding on disk \(disk): unknown kind") }
        return finding
    }

    private static func key(of finding: DamageFinding) -> StateKey {
        key(findingsOn: finding.disk).adding(finding.time.nanoseconds).adding(finding.block.rawValue)
    }

    private static func key(findingsOn disk: BlockServiceID) -> StateKey { StateKey("f").adding(disk.rawValue) }
}
