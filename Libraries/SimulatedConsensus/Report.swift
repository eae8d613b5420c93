/// What came of one run.
public struct Report: Sendable {
    /// What was found wrong, as `check: what`; the run ended there.
    public internal(set) var finding: String?
    /// Calls of a `Consensus`.
    public internal(set) var steps: UInt64 = 0
    public internal(set) var committed = 0
    public internal(set) var reads = 0
    public internal(set) var elections = 0
    public internal(set) var counts = FaultCounts()
    /// Two runs share this number only if they were the same.
    public internal(set) var digest: UInt64 = 0
    /// The last events, if they were asked for.
    public internal(set) var trace: [String] = []
}

/// How often what happened.
public struct FaultCounts: Sendable, CustomStringConvertible {
    public internal(set) var lost = 0
    public internal(set) var crashes = 0
    public internal(set) var aimedCrashes = 0
    public internal(set) var pauses = 0
    public internal(set) var cuts = 0
    public internal(set) var doubts = 0
    public internal(set) var recoveries = 0
    public internal(set) var wipes = 0
    public internal(set) var changes = 0
    public internal(set) var transfers = 0
    public internal(set) var snapshots = 0
    public internal(set) var unread = 0

    public init() {}

    public static func += (left: inout FaultCounts, right: FaultCounts) {
        for (path, _) in fields { left[keyPath: path] += right[keyPath: path] }
    }

    public var description: String {
        Self.fields.map { "\($0.name) \(self[keyPath: $0.path])" }.joined(separator: ", ")
    }

    private static var fields: [(path: WritableKeyPath<FaultCounts, Int>, name: String)] {
        [
            (\.lost, "lost"), (\.crashes, "crashes"), (\.aimedCrashes, "aimed crashes"), (\.pauses, "pauses"),
            (\.cuts, "cuts"), (\.doubts, "doubts"), (\.recoveries, "recoveries"), (\.wipes, "wipes"),
            (\.changes, "membership changes"), (\.transfers, "transfers"), (\.snapshots, "snapshots"),
            (\.unread, "reads without lease"),
        ]
    }
}
