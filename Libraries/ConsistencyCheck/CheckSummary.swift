/// What a check has looked at and found.
public struct CheckSummary: Hashable, Sendable {
    public var directories: UInt64 = 0
    public var files: UInt64 = 0
    public var edges: UInt64 = 0
    public var blocks: UInt64 = 0
    public var damages: UInt64 = 0
    public var unfinished: UInt64 = 0
    public var notices: UInt64 = 0

    public init() {}

    public mutating func count(_ finding: Finding) {
        switch finding.severity {
        case .damage: damages += 1
        case .unfinished: unfinished += 1
        case .notice: notices += 1
        }
    }

    /// 0: nothing is wrong; 1: there is damage. (2, "could not check", is for whoever catches the failure.)
    public var exitCode: Int32 { damages > 0 ? 1 : 0 }

    /// One line for people.
    public var text: String {
        let verdict: String
        if damages > 0 {
            verdict = "\(damages) findings"
        } else {
            verdict = unfinished > 0 ? "sound, with transactions to complete at the next start" : "sound"
        }
        var counts = "\(directories) directories, \(files) files, \(edges) names that own something, \(blocks) blocks"
        if unfinished > 0 { counts += "; \(unfinished) traces of unfinished transactions" }
        if notices > 0 { counts += "; \(notices) notices" }
        return "\(verdict) (\(counts))"
    }

    /// One line for scripts.
    public var json: String {
        let fields = [
            ("directories", directories), ("files", files), ("edges", edges), ("blocks", blocks),
            ("damage", damages), ("unfinished", unfinished), ("notice", notices),
        ]
        return "{\"summary\":{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}}"
    }
}

/// Why a check could not be made, in one sentence.
public struct CheckFailure: Error, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
