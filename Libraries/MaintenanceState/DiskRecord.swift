import Protocol
import Wire

/// What is wrong with a block.
public enum BlockDamage: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// The disk does not have it.
    case missing = 1
    /// It is shorter than it should be.
    case truncated = 2
    /// Its content is not what was written; also when another block lies in its place.
    case corrupt = 3
    /// The disk cannot read it.
    case unreadable = 4
    /// Nobody answers for it, though for others on the disk somebody does. It may be as it should be.
    case unanswered = 5
    /// Not a block but a span: its shard describes it in a way that makes no sense, so none of it can be checked.
    case impossible = 6

    public var description: String {
        switch self {
        case .missing: "missing"
        case .truncated: "truncated"
        case .corrupt: "corrupt"
        case .unreadable: "unreadable"
        case .unanswered: "unanswered"
        case .impossible: "impossible"
        }
    }
}

/// What scrubbing knows of one disk. Counts are totals since the state was made.
public struct DiskRecord: Hashable, Sendable {
    /// As the registry has it.
    public var path = ""
    /// The shard whose files have their turn.
    public var shard = ShardID(rawValue: 0)
    /// The file of that shard to go on with.
    public var file = InodeID.null
    /// When the present pass began; zero: none is under way.
    public var passBegan = Timestamp.zero
    /// When the last pass over everything that belongs on the disk began and ended; zero: never.
    public var lastFullCheckBegan = Timestamp.zero
    public var lastFullCheck = Timestamp.zero
    /// Passes finished.
    public var passes: UInt64 = 0
    public var checkedBlocks: UInt64 = 0
    public var checkedBytes: UInt64 = 0
    public var missing: UInt64 = 0
    public var truncated: UInt64 = 0
    public var corrupt: UInt64 = 0
    public var unreadable: UInt64 = 0
    /// Checks that failed because the whole disk seems bad. A matter for the operator, not repaired block by block.
    public var deviceErrors: UInt64 = 0
    /// Times that the pass broke off because nobody answered for the disk.
    public var unreachable: UInt64 = 0
    /// Damaged blocks that were replaced by good ones elsewhere.
    public var repaired: UInt64 = 0
    /// Damaged blocks that could not be replaced so far.
    public var unrepairable: UInt64 = 0
    /// Blocks passed over because nobody answered for them while the disk answered for others.
    public var unanswered: UInt64 = 0
    /// Spans that could not be checked, because their descriptions make no sense.
    public var impossible: UInt64 = 0

    public init() {}

    /// Damaged blocks found, of all kinds; the unanswered and the impossible are none.
    public var damaged: UInt64 { missing &+ truncated &+ corrupt &+ unreadable }

    public mutating func count(_ damage: BlockDamage) {
        switch damage {
        case .missing: missing &+= 1
        case .truncated: truncated &+= 1
        case .corrupt: corrupt &+= 1
        case .unreadable: unreadable &+= 1
        case .unanswered: unanswered &+= 1
        case .impossible: impossible &+= 1
        }
    }
}

extension MaintenanceState {
    /// What is known of a disk; nil: nothing.
    public func disk(_ id: BlockServiceID) throws(MaintenanceStateError) -> DiskRecord? {
        guard let bytes = try value(of: Self.key(disk: id)) else { return nil }
        return try Self.diskRecord(bytes, id)
    }

    /// All disks that something is known of, by id.
    public func disks() throws(MaintenanceStateError) -> [(id: BlockServiceID, record: DiskRecord)] {
        var disks: [(id: BlockServiceID, record: DiskRecord)] = []
        for (key, value) in try entries(StateKey("b")) {
            let id = try StateReader.read(Array(key.dropFirst()), "disk") { (reader) throws(DecodeError) in
                BlockServiceID(rawValue: try reader.integer(UInt64.self).byteSwapped)
            }
            disks.append((id, try Self.diskRecord(value, id)))
        }
        return disks
    }

    /// Remembers what is known of a disk.
    public func set(_ record: DiskRecord, ofDisk id: BlockServiceID) throws(MaintenanceStateError) {
        var writer = StateWriter()
        writer.put(record.path)
        writer.put(record.shard.rawValue)
        for number in record.numbers { writer.put(number) }
        writer.put(record.unanswered)
        writer.put(record.impossible)
        try put(Self.key(disk: id), writer.bytes)
    }

    private static func key(disk: BlockServiceID) -> [UInt8] { StateKey("b").adding(disk.rawValue).bytes }

    private static func diskRecord(
        _ bytes: [UInt8], _ id: BlockServiceID
    ) throws(MaintenanceStateError) -> DiskRecord {
        try StateReader.read(bytes, "disk \(id)") { (reader) throws(DecodeError) in
            var record = DiskRecord()
            record.path = try reader.text()
            record.shard = ShardID(rawValue: try reader.integer())
            for field in DiskRecord.numberFields { record[keyPath: field] = try reader.integer() }
            // Layout 1 ends here.
            if !reader.isAtEnd { record.unanswered = try reader.integer() }
            // And layout 2 here.
            if !reader.isAtEnd { record.impossible = try reader.integer() }
            return record
        }
    }
}

extension DiskRecord {
    /// Everything of eight bytes that layout 1 has, in the order of the entry.
    fileprivate static var numberFields: [WritableKeyPath<DiskRecord, UInt64>] {
        [
            \.file.rawValue, \.passBegan.rawValue, \.lastFullCheckBegan.rawValue, \.lastFullCheck.rawValue, \.passes,
            \.checkedBlocks, \.checkedBytes, \.missing, \.truncated, \.corrupt, \.unreadable, \.deviceErrors,
            \.unreachable, \.repaired, \.unrepairable,
        ]
    }

    fileprivate var numbers: [UInt64] { Self.numberFields.map { self[keyPath: $0] } }
}
