import Chance

/// Chance that a seed determines, made for speed: what bias its ranges have does not matter here.
struct SeededChance {
    private var numbers: SplitMix

    init(seed: UInt64) { numbers = SplitMix(seed: seed) }

    mutating func next() -> UInt64 { numbers.next() }

    /// Less than `bound`, which is not 0.
    mutating func below(_ bound: UInt64) -> UInt64 { next().multipliedFullWidth(by: bound).high }

    mutating func below(_ bound: Int) -> Int { Int(below(UInt64(bound))) }

    mutating func `in`(_ range: ClosedRange<UInt64>) -> UInt64 {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// True `count` times in a thousand.
    mutating func perMille(_ count: Int) -> Bool { count > 0 && below(1000) < count }

    /// One of `choices`, of which there must be some.
    mutating func pick<Choice>(_ choices: [Choice]) -> Choice { choices[below(choices.count)] }
}
