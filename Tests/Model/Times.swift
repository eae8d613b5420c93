import Protocol
import ReferenceModel

/// Which of the cluster's times is which moment of the model, directory by directory: as times are never told in
/// advance, only their order can be right or wrong.
struct Times {
    private var known: [InodeID: [Moment: Timestamp]] = [:]

    /// A time that is nothing's.
    static let nothing = Timestamp(nanoseconds: 1)

    func time(_ moment: Moment, in directory: InodeID) -> Timestamp {
        known[directory]?[moment] ?? Self.nothing
    }

    /// Whether a moment is, or may well be, that time.
    mutating func match(_ moment: Moment, _ time: Timestamp, in directory: InodeID) -> Bool {
        var times = known[directory] ?? [:]
        if let before = times[moment] { return before == time }
        let isInOrder = times.allSatisfy { other, known in (other < moment) == (known < time) && known != time }
        times[moment] = time
        known[directory] = times
        return isInOrder
    }
}
