/// Paths of which nobody knows how they are, because whoever changed them was cut off: they may be as before or as
/// after the change, but not in between.
struct Doubt: Sendable {
    /// What was being done.
    let what: String
    /// What each path contains, nil for no file, in every allowed case.
    let outcomes: [[String: Content?]]

    var paths: Set<String> { Set(outcomes.flatMap(\.keys)) }
}
