/// How long a peer that could not be reached is left alone: longer each time, and never all at the same moment.
struct DialBackoff {
    private let range: ClosedRange<UInt64>
    private var next: UInt64

    init(_ range: ClosedRange<UInt64>) {
        self.range = range
        next = range.lowerBound
    }

    /// Between half and all of what it has come to.
    mutating func delay() -> UInt64 {
        let delay = next
        next = min(delay &* 2, range.upperBound)
        return UInt64.random(in: delay / 2...delay)
    }

    /// A connection has ended that lasted for so long. One that ends at once is as good as none.
    mutating func hasLasted(_ nanoseconds: UInt64) {
        if nanoseconds >= range.upperBound { next = range.lowerBound }
    }
}
