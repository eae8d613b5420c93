/// What a run's network, machines and clocks have suffered.
public struct FaultCounts: Sendable, CustomStringConvertible {
    public var lost = 0
    public var duplicated = 0
    /// Held back long enough for later packets to overtake.
    public var delayed = 0
    /// Not delivered because of a partition or a machine that was down.
    public var undelivered = 0
    public var partitions = 0
    public var moves = 0
    public var crashes = 0
    /// Processes that were told to stop.
    public var stops = 0
    /// Crashes that left a part of a write.
    public var tornWrites = 0
    /// Crashes between two changes that a process was making to its disk.
    public var killedWriting = 0
    public var refusedSyncs = 0
    public var rottenPlaces = 0
    public var clockSteps = 0
    public var clockJumps = 0
    public var slowDisks = 0
    public var fullDisks = 0
    public var wipedDisks = 0
    /// Requests that no user and no coordinator has sent.
    public var strays = 0

    public init() {}

    public static func += (left: inout FaultCounts, right: FaultCounts) {
        for (path, _) in fields { left[keyPath: path] += right[keyPath: path] }
    }

    public var total: Int { Self.fields.reduce(0) { $0 + self[keyPath: $1.path] } }

    public var description: String {
        Self.fields.map { "\($0.name) \(self[keyPath: $0.path])" }.joined(separator: ", ")
    }

    private static var fields: [(path: WritableKeyPath<FaultCounts, Int>, name: String)] {
        [
            (\.lost, "lost"), (\.duplicated, "duplicated"), (\.delayed, "delayed"), (\.undelivered, "undelivered"),
            (\.partitions, "partitions"), (\.moves, "moves"), (\.crashes, "crashes"),
            (\.stops, "stops"), (\.tornWrites, "torn writes"),
            (\.killedWriting, "killed writing"), (\.refusedSyncs, "refused syncs"), (\.rottenPlaces, "rotten places"),
            (\.clockSteps, "clock steps"), (\.clockJumps, "clock jumps"),
            (\.slowDisks, "slow disks"), (\.fullDisks, "full disks"), (\.wipedDisks, "wiped disks"),
            (\.strays, "strays"),
        ]
    }
}
