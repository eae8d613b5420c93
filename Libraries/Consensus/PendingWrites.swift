import Mutations

/// Which writes are under way, and what of the log is durable. A report counts for what its write wrote, not for
/// whatever stands at the same index by then.
struct PendingWrites: Sendable {
    private struct Pending: Sendable {
        let number: WriteNumber
        /// The last entry of this write that still stands.
        var last: LogIndex
    }

    /// Of all writes wanted.
    private(set) var last = WriteNumber.none
    /// This one and all before are durable.
    private(set) var durable = WriteNumber.none
    /// The log is durable up to here.
    private(set) var durableIndex: LogIndex
    /// Appends that are not yet durable.
    private var appends: [Pending] = []

    /// - Parameter durableIndex: the end of the log on disk.
    init(durableIndex: LogIndex) { self.durableIndex = durableIndex }

    /// Numbers a write that changes nothing of the log's extent.
    mutating func next() -> WriteNumber {
        last = last.next
        return last
    }

    mutating func append(through index: LogIndex) -> WriteNumber {
        let number = next()
        appends.append(Pending(number: number, last: index))
        return number
    }

    /// What reaches `index` or further does not stand any more.
    mutating func cut(from index: LogIndex) -> WriteNumber {
        durableIndex = min(durableIndex, index.previous)
        if !Mutation.lateReportsOfCutWritesCount.isPlanted {
            for place in appends.indices { appends[place].last = min(appends[place].last, index.previous) }
        }
        return next()
    }

    /// The log begins behind `base` now; of what it had, only what `keepsTail` keeps.
    mutating func rebase(to base: LogIndex, keepsTail: Bool) -> WriteNumber {
        let number = next()
        if !keepsTail {
            durableIndex = .zero
            appends.removeAll()
        }
        appends.append(Pending(number: number, last: base))
        return number
    }

    /// The disk says that this write and all before are durable. Says whether that is news.
    mutating func report(through number: WriteNumber) -> Bool {
        guard number > durable, number <= last else { return false }
        durable = number
        var done = 0
        while done < appends.count, appends[done].number <= number {
            durableIndex = max(durableIndex, appends[done].last)
            done += 1
        }
        if Mutation.deliversBeforeDurable.isPlanted, let last = appends.last { durableIndex = last.last }
        appends.removeFirst(done)
        return true
    }
}
