/// A point in time, since 1970.
public struct Moment: Codable, Hashable, Sendable {
    public let seconds: Int
    public let nanoseconds: Int

    public init(seconds: Int, nanoseconds: Int) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// What scripts set lies before it, what happens while they run after it.
    static let youngest = 1_700_000_000
}

/// What is known of a time of a file.
enum KnownTime: Hashable, Sendable {
    case unknown
    /// Somebody has set it.
    case at(Moment)
    /// Of something that the script has done.
    case recent

    func isRight(_ found: Moment) -> Bool {
        switch self {
        case .unknown: true
        case .at(let moment): found == moment
        case .recent: found.seconds >= Moment.youngest
        }
    }
}

/// What utimensat(2) shall do with one of the times.
public enum TimeChoice: Codable, Equatable, Sendable {
    case now, omit
    case at(seconds: Int, nanoseconds: Int)

    func applied(to time: KnownTime) -> KnownTime {
        switch self {
        case .now: .recent
        case .omit: time
        case .at(let seconds, let nanoseconds): .at(Moment(seconds: seconds, nanoseconds: nanoseconds))
        }
    }

    var isChosen: Bool { if case .at = self { true } else { false } }

    var isBefore1970: Bool { if case .at(let seconds, _) = self { seconds < 0 } else { false } }
}
