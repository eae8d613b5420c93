/// A leader's side of the exchange with one shard (README.md, "Exactly once").
struct ShardChannel {
    enum Fence { case none, asked, stands }

    /// Whether the shard is known to have closed the numbers of earlier leaders.
    var fence = Fence.none
    /// How often in a row it has found our numbers to be closed.
    var leaps: UInt64 = 0
    /// The first number of this leadership that it has accepted.
    var firstAccepted: UInt64?
    /// Another coordinator works with the shard: nothing is asked of it any more.
    var isTakenOver = false
    var open = OpenSequences()
    /// Requests that cannot go yet, in order: reads wait for the fence, writes for a number.
    var waiting: [UInt64] = []
}

/// The numbers of the requests that a shard may still carry out, ascending.
struct OpenSequences {
    private var entries: [(number: UInt64, isSettled: Bool)] = []
    /// Entries before this index are settled; the array is shortened now and then.
    private var first = 0

    /// How many numbers the shard may have to remember: from the lowest open one on, settled ones among them.
    var span: Int { entries.count - first }

    /// Nil when everything is settled.
    var lowest: UInt64? { first < entries.count ? entries[first].number : nil }

    /// Adds a number above all others.
    mutating func append(_ number: UInt64) {
        entries.append((number, false))
    }

    mutating func settle(_ number: UInt64) {
        guard let index = index(of: number) else { return }
        entries[index].isSettled = true
        while first < entries.count, entries[first].isSettled { first += 1 }
        guard first > 64, first > entries.count / 2 else { return }
        entries.removeFirst(first)
        first = 0
    }

    private func index(of number: UInt64) -> Int? {
        var low = first
        var high = entries.count
        while low < high {
            let middle = low + (high - low) / 2
            if entries[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].number == number ? low : nil
    }
}
