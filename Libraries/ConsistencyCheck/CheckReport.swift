/// Where a check says what it finds and how far it is.
public final class CheckReport {
    public private(set) var summary = CheckSummary()
    private let found: (Finding) -> Void
    private let progress: (String) -> Void

    /// - Parameters:
    ///   - found: called for each finding, as soon as it is certain.
    ///   - progress: called with one line whenever the check gets a step further.
    public init(found: @escaping (Finding) -> Void, progress: @escaping (String) -> Void = { _ in }) {
        self.found = found
        self.progress = progress
    }

    func add(_ finding: Finding) {
        summary.count(finding)
        found(finding)
    }

    func step(_ text: String) { progress(text) }

    func count(_ change: (inout CheckSummary) -> Void) { change(&summary) }
}
