/// One thing that a check has to say: a rule, where, what, and what to do.
public struct Finding: Hashable, Sendable, CustomStringConvertible {
    public enum Severity: String, Sendable {
        /// Must never be. Somebody has to act.
        case damage
        /// Comes from a transaction that was cut off: starting the cluster completes it.
        case unfinished
        /// Harmless, or a limit of this check.
        case notice
    }

    /// The rule's name: S1–S22, X1–X9 of metadata.md A.13; S23–S26, A, D, M, N: see `InvariantViolation.Rule`; L: a log;
    /// R: the registry; K: the coordinator; B: a block on its disk.
    public var rule: String
    public var severity: Severity
    /// Which record or file it is about.
    public var place: String
    /// What was found.
    public var detail: String
    /// What helps.
    public var repair: String

    public init(rule: String, severity: Severity = .damage, place: String, detail: String, repair: String) {
        self.rule = rule
        self.severity = severity
        self.place = place
        self.detail = detail
        self.repair = repair
    }

    /// One line for people.
    public var description: String {
        "\(severity == .damage ? "" : "(\(severity.rawValue)) ")\(rule): \(place): \(detail); repair: \(repair)"
    }

    /// One line for scripts: an object of strings.
    public var json: String {
        let fields = [
            ("rule", rule), ("severity", severity.rawValue), ("place", place), ("detail", detail), ("repair", repair),
        ]
        return "{" + fields.map { "\"\($0.0)\":\(Self.quoted($0.1))" }.joined(separator: ",") + "}"
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
