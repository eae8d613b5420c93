import Mutations
import Protocol

/// The time by which remembered answers age (README.md, "Limits").
struct ReplyTime: WireValue, Comparable {
    /// Far from zero and from any other clock's: it only tells how much later one is than another.
    fileprivate(set) var nanoseconds: UInt64

    static let zero = ReplyTime(nanoseconds: 0)
    static let minimumWireSize = 8
    var encodedSize: Int { 8 }

    fileprivate init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    init(from reader: inout WireReader) throws(DecodeError) { nanoseconds = try reader.read() }

    func encode(into writer: inout WireWriter) throws(EncodeError) { try writer.write(nanoseconds) }

    static func < (left: ReplyTime, right: ReplyTime) -> Bool { left.nanoseconds < right.nanoseconds }

    func nanoseconds(since earlier: ReplyTime) -> UInt64 {
        self > earlier ? nanoseconds - earlier.nanoseconds : 0
    }
}

/// Goes on with the times of the log's entries, but from one to the next by no more than a minute: a wall clock that
/// jumps a month ahead, which a coordinator has to believe where nobody tells it better, must not let it forget what it
/// has just answered. A function of the log like all of the ledger.
struct ReplyClock: WireValue {
    private static let longestStepNanoseconds: UInt64 = 60_000_000_000

    private var now = ReplyTime.zero
    private var lastEntry = Timestamp.zero

    static let minimumWireSize = 16
    var encodedSize: Int { 16 }

    init() {}

    /// The log's next entry is of this time.
    mutating func advance(to entry: Timestamp) -> ReplyTime {
        let passed = entry > lastEntry ? entry.nanoseconds - lastEntry.nanoseconds : 0
        lastEntry = entry
        let step = Mutation.repliesAgeByTheClock.isPlanted ? passed : min(passed, Self.longestStepNanoseconds)
        now.nanoseconds &+= step
        return now
    }

    /// Earlier versions stored the times of entries with the answers, and no clock.
    mutating func isNotBefore(_ time: ReplyTime) { now = max(now, time) }

    init(from reader: inout WireReader) throws(DecodeError) {
        now = try reader.read()
        lastEntry = try reader.read()
    }

    func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(now)
        try writer.write(lastEntry)
    }
}
