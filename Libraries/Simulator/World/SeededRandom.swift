import Chance

/// Random numbers that a seed determines.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var numbers: SplitMix

    public init(seed: UInt64) { numbers = SplitMix(seed: seed) }

    public mutating func next() -> UInt64 { numbers.next() }

    /// True `count` times in a thousand.
    public mutating func perMille(_ count: Int) -> Bool { count > 0 && Int.random(in: 0..<1000, using: &self) < count }

    /// One of `choices`, which must not be empty.
    public mutating func pick<T>(_ choices: [T]) -> T { choices[Int.random(in: 0..<choices.count, using: &self)] }

    /// Nanoseconds between `range`'s bounds, small ones as likely as large ones: each power of two weighs the same.
    public mutating func spread(_ range: ClosedRange<UInt64>) -> UInt64 {
        let low = max(range.lowerBound, 1)
        let bits = 64 - (range.upperBound / low).leadingZeroBitCount
        let scaled = low << UInt64(Int.random(in: 0..<max(bits, 1), using: &self))
        return min(range.upperBound, UInt64.random(in: scaled...max(scaled, scaled &* 2 - 1), using: &self))
    }
}
