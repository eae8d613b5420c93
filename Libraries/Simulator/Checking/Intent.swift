import Protocol

/// What one request of a client was meant to do to one name, and how it ended.
final class Intent: CustomStringConvertible {
    enum Change {
        /// The name is to mean this inode.
        case put(InodeID)
        /// The same, if it means `over` before; nil: nothing.
        case replace(InodeID, over: InodeID?)
        /// The name is to mean a new directory, whose number the coordinator chooses; unless exclusive, one that is
        /// there already does as well.
        case makeDirectory(isExclusive: Bool)
        case remove(Meaning)
    }

    enum Outcome {
        case underway
        /// The client was told so. With what the name meant then, when the answer said that.
        case succeeded(Meaning?)
        /// Refused, and there was never more than one copy of the request: it has done nothing and never will.
        case refused
        /// Without an answer, or refused while another copy of the request may have been carried out, or may still be.
        case unknown
    }

    let change: Change
    let place: Place
    /// Whether it gives a name to a file that has none.
    let namesFile: Bool
    /// For people.
    let operation: String
    /// When the request was sent first and when its outcome was known, virtual nanoseconds.
    let invoked: UInt64
    private(set) var returned = UInt64.max
    private(set) var outcome = Outcome.underway
    /// How often its client has sent it.
    var attempts = 0
    /// The change that is taken for this request's, by its number among those of the place.
    var effect: Int?

    init(_ change: Change, _ place: Place, namesFile: Bool, operation: String, at now: UInt64) {
        self.change = change
        self.namesFile = namesFile
        self.place = place
        self.operation = operation
        invoked = now
    }

    func end(_ outcome: Outcome, at now: UInt64) {
        self.outcome = outcome
        if case .succeeded = outcome { returned = now }
    }

    /// Whether it wanted `place` to go from `before` to `meaning`, whenever that was.
    func wants(_ meaning: Meaning?, after before: Meaning?) -> Bool {
        switch change {
        case .put(let target): meaning?.target == target
        case .replace(let target, let old): meaning?.target == target && before?.target == old
        case .makeDirectory: meaning?.target.isDirectory ?? false && (told ?? meaning) == meaning
        case .remove(let old): meaning == nil && old == before
        }
    }

    /// Whether this can be the reason that `place` went from `before` to `meaning` at `time`.
    func explains(_ meaning: Meaning?, after before: Meaning?, at time: UInt64) -> Bool {
        invoked <= time && time <= returned && !isRefused && wants(meaning, after: before)
    }

    /// What the name is to mean, if that is known beforehand.
    var target: InodeID? {
        switch change {
        case .put(let target), .replace(let target, _): target
        case .makeDirectory, .remove: nil
        }
    }

    var isRefused: Bool {
        if case .refused = outcome { return true }
        return false
    }

    /// What the client was told that the name means.
    private var told: Meaning? {
        if case .succeeded(let meaning) = outcome { return meaning }
        return nil
    }

    var description: String { "\(operation) on \(place), sent at \(invoked / 1_000_000) ms" }
}
