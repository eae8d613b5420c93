import Protocol
import Wire

/// How far a duty is that goes through all shards in rounds.
public struct DutyProgress: Hashable, Sendable {
    /// Rounds finished since the state was made.
    public var rounds: UInt64 = 0
    /// When the present round began; zero between two rounds.
    public var roundBegan = Timestamp.zero
    /// When a round ended last; zero: never.
    public var roundEnded = Timestamp.zero

    public init() {}
}

/// Where in what a shard lists a duty goes on. What the numbers mean is the duty's matter; both zero is the beginning.
public struct ShardPlace: Hashable, Sendable {
    public static let beginning = ShardPlace(0)

    public var first: UInt64
    public var second: UInt64

    public init(_ first: UInt64, _ second: UInt64 = 0) {
        self.first = first
        self.second = second
    }

    /// At an inode.
    public init(_ inode: InodeID) { self.init(inode.rawValue) }

    public var inode: InodeID { InodeID(rawValue: first) }
}

/// How far a duty is with one shard.
public struct ShardProgress: Hashable, Sendable {
    /// Rounds in which the shard had its turn; one more than the duty's own: it is done with the present round.
    public var rounds: UInt64 = 0
    /// Where the turn under way goes on.
    public var place = ShardPlace.beginning
    /// When a turn ended last; zero: never.
    public var ended = Timestamp.zero

    public init() {}
}

extension MaintenanceState {
    /// What is known of a duty; a fresh one has done nothing.
    public func duty(_ name: String) throws(MaintenanceStateError) -> DutyProgress {
        guard let bytes = try value(of: Self.key(duty: name)) else { return DutyProgress() }
        return try Self.duty(bytes, "duty \(name)")
    }

    /// Remembers how far a duty is.
    public func set(_ progress: DutyProgress, ofDuty name: String) throws(MaintenanceStateError) {
        var writer = StateWriter()
        writer.put(progress.rounds)
        writer.put(progress.roundBegan.nanoseconds)
        writer.put(progress.roundEnded.nanoseconds)
        try put(Self.key(duty: name), writer.bytes)
    }

    /// How far a duty is with a shard.
    public func progress(ofDuty name: String, in shard: ShardID) throws(MaintenanceStateError) -> ShardProgress {
        guard let bytes = try value(of: Self.key(duty: name, shard)) else { return ShardProgress() }
        return try Self.shard(bytes, "duty \(name) in shard \(shard)")
    }

    /// Remembers how far a duty is with a shard.
    public func set(
        _ progress: ShardProgress, ofDuty name: String, in shard: ShardID
    ) throws(MaintenanceStateError) {
        var writer = StateWriter()
        writer.put(progress.rounds)
        writer.put(progress.place.first)
        writer.put(progress.place.second)
        writer.put(progress.ended.nanoseconds)
        try put(Self.key(duty: name, shard), writer.bytes)
    }

    static func duty(_ bytes: [UInt8], _ what: String) throws(MaintenanceStateError) -> DutyProgress {
        try StateReader.read(bytes, what) { (reader) throws(DecodeError) in
            var progress = DutyProgress()
            progress.rounds = try reader.integer()
            progress.roundBegan = Timestamp(nanoseconds: try reader.integer())
            progress.roundEnded = Timestamp(nanoseconds: try reader.integer())
            return progress
        }
    }

    static func shard(_ bytes: [UInt8], _ what: String) throws(MaintenanceStateError) -> ShardProgress {
        try StateReader.read(bytes, what) { (reader) throws(DecodeError) in
            var progress = ShardProgress()
            progress.rounds = try reader.integer()
            progress.place = ShardPlace(try reader.integer(), try reader.integer())
            progress.ended = Timestamp(nanoseconds: try reader.integer())
            return progress
        }
    }

    private static func key(duty: String) -> [UInt8] { StateKey("d").adding(name: duty).bytes }

    private static func key(duty: String, _ shard: ShardID) -> [UInt8] {
        StateKey("s").adding(name: duty).adding(shard.rawValue).bytes
    }
}
