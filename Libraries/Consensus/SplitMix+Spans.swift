import Chance

extension SplitMix {
    mutating func span(in range: ClosedRange<BootSpan>) -> BootSpan {
        let bounds = range.lowerBound.nanoseconds...range.upperBound.nanoseconds
        return BootSpan(nanoseconds: .random(in: bounds, using: &self))
    }
}
