import Mutations
import Protocol
import Wire

/// The block numbers that a shard has given out, as runs of them.
///
/// A number is unique for ever, and the time in it has to be near that of the block services, which refuse others
/// (services.md B.5). So numbers follow the leader's clock, but no clock moves a high-water mark: one that jumps ahead
/// begins a run of its own out there, and when it is back, numbers go on where they were before. What lies within a run
/// is never given out again.
package struct BlockNumbers: WireValue, Hashable {
    /// All numbers from `first` to `last` count as given out.
    package struct Run: WireValue, Hashable {
        package var first: BlockID
        package var last: BlockID

        package static var minimumWireSize: Int { 16 }
        package var encodedSize: Int { 16 }

        fileprivate init(_ first: UInt64, _ last: UInt64) {
            self.first = BlockID(rawValue: first)
            self.last = BlockID(rawValue: last)
        }

        package init(from reader: inout WireReader) throws(DecodeError) {
            first = try reader.read()
            last = try reader.read()
        }

        package func encode(into writer: inout WireWriter) throws(EncodeError) {
            try writer.write(first)
            try writer.write(last)
        }
    }

    /// How far ahead of the clock a number may be, in nanoseconds. Block services take 22 hours.
    package static let aheadLimitNanoseconds: UInt64 = 20 * hour
    /// So many runs are kept apart; of more, those closest to each other become one.
    private static let runLimit = 16
    /// A pause up to which a run goes on, in nanoseconds.
    private static let hour: UInt64 = 3_600_000_000_000

    /// Ascending, apart from each other, the first from 0.
    package private(set) var runs: [Run]

    /// Everything up to `last` was given out.
    package init(upTo last: BlockID) {
        runs = [Run(0, last.rawValue)]
    }

    /// Of a shard of which only the numbers in use and the highest one are known: `hours` are the hours since the epoch
    /// in which the former lie, each of which counts as given out to its end.
    package init(hours: Set<UInt64>, upTo last: BlockID) {
        runs = [Run(0, 0)]
        for hour in hours.union([Self.hour(of: last)]).sorted() where hour <= Self.hour(of: last) {
            add(Run(hour * Self.hour, min((hour + 1) * Self.hour - 1, last.rawValue)), after: runs.count - 1)
        }
    }

    /// The hour since the epoch that a number lies in.
    static func hour(of id: BlockID) -> UInt64 { id.rawValue / hour }

    /// A number that was not given out before, at `clock` or as soon after it as there is one; nil if that is further
    /// ahead than block services take.
    package mutating func take(at clock: Timestamp, shard: ShardID) -> BlockID? {
        var id = clock.nanoseconds & ~0xff | UInt64(shard.rawValue)
        var index = Mutation.blockNumbersNeverGoBack.isPlanted
            ? runs.count - 1 : runs.lastIndex { $0.first.rawValue <= id } ?? 0
        guard let next = Self.next(after: runs[index], shard) else { return nil }
        if !Mutation.blockNumbersAreTheClock.isPlanted { id = max(id, next) }
        while index + 1 < runs.count, id >= runs[index + 1].first.rawValue {
            index += 1
            guard let next = Self.next(after: runs[index], shard) else { return nil }
            id = max(id, next)
        }
        guard id <= clock.nanoseconds || id - clock.nanoseconds <= Self.aheadLimitNanoseconds
            || Mutation.blockNumbersNeverGoBack.isPlanted
        else { return nil }
        add(Run(id, id), after: index)
        return BlockID(rawValue: id)
    }

    private static func next(after run: Run, _ shard: ShardID) -> UInt64? {
        let (sum, overflow) = (run.last.rawValue & ~0xff).addingReportingOverflow(0x100 | UInt64(shard.rawValue))
        return overflow ? nil : sum
    }

    /// Adds what comes after the run at `index` and before the next one: to that run if it is close, else on its own.
    private mutating func add(_ run: Run, after index: Int) {
        if run.last <= runs[index].last { return }
        if run.first.rawValue - runs[index].last.rawValue <= Self.hour {
            runs[index].last = run.last
        } else {
            runs.insert(run, at: index + 1)
            if runs.count > Self.runLimit { joinClosest() }
        }
    }

    private mutating func joinClosest() {
        let gaps = zip(runs, runs.dropFirst()).map { $1.first.rawValue - $0.last.rawValue }
        guard let least = gaps.indices.min(by: { gaps[$0] < gaps[$1] }) else { return }
        runs[least].last = runs[least + 1].last
        runs.remove(at: least + 1)
    }

    /// Whether `id` counts as given out.
    package func contains(_ id: BlockID) -> Bool {
        runs.last { $0.first <= id }.map { id <= $0.last } ?? false
    }

    // MARK: Bytes

    package static var minimumWireSize: Int { 3 + Run.minimumWireSize }
    package var encodedSize: Int { 3 + runs.count * Run.minimumWireSize }

    package init(from reader: inout WireReader) throws(DecodeError) {
        try reader.recordVersion1()
        runs = try reader.list()
        let isOrdered = zip(runs, runs.dropFirst()).allSatisfy { $0.last < $1.first }
        guard isOrdered, runs.first?.first.rawValue == 0, runs.allSatisfy({ $0.first <= $0.last }) else {
            throw .invalidVariant
        }
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(recordVersion)
        try writer.list(runs)
    }
}
