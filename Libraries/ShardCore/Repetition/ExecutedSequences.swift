/// The coordinator's numbers whose answers are remembered, ascending. They come nearly in order and go from the front.
struct ExecutedSequences {
    private var numbers: [UInt64] = []
    /// Numbers before this index are gone; the array is shortened now and then.
    private var first = 0

    var count: Int { numbers.count - first }
    var all: ArraySlice<UInt64> { numbers[first...] }

    /// Those up to `last`.
    func upTo(_ last: UInt64) -> ArraySlice<UInt64> { numbers[first..<index(after: last)] }

    func contains(_ number: UInt64) -> Bool {
        let end = index(after: number)
        return end > first && numbers[end - 1] == number
    }

    /// Adds a number that is not contained.
    mutating func insert(_ number: UInt64) {
        numbers.insert(number, at: index(after: number))
    }

    mutating func removeUpTo(_ last: UInt64) {
        first = index(after: last)
        guard first > 64, first > numbers.count / 2 else { return }
        numbers.removeFirst(first)
        first = 0
    }

    /// The index of the first number above `number`; usually at one of the ends.
    private func index(after number: UInt64) -> Int {
        var low = first
        var high = numbers.count
        while low < high {
            let middle = low + (high - low) / 2
            if numbers[middle] <= number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
