import ConsistencyCheck
import Glibc

/// What `sterna fsck` prints: findings and summary to standard output, progress to standard error.
struct FsckOutput: Sendable {
    private let json: Bool
    private let showsProgress: Bool
    private let isTerminal: Bool

    /// - Parameter showsProgress: also where standard error is no terminal.
    init(json: Bool, showsProgress: Bool) {
        self.json = json
        isTerminal = isatty(2) == 1
        self.showsProgress = showsProgress || isTerminal
    }

    func found(_ finding: Finding) {
        clearProgress()
        print(json ? finding.json : finding.description)
    }

    func progress(_ text: String) {
        guard showsProgress else { return }
        // On a terminal one line is written over and over.
        writeError(isTerminal ? "\r\u{1b}[K\(text)" : "\(text)\n")
    }

    func finish(_ summary: CheckSummary) {
        clearProgress()
        print(json ? summary.json : summary.text)
        fflush(nil)
    }

    func fail(_ failure: CheckFailure) {
        clearProgress()
        fflush(nil)
        writeError("sterna fsck: could not check: \(failure)\n")
    }

    private func clearProgress() {
        if showsProgress && isTerminal { writeError("\r\u{1b}[K") }
    }

    private func writeError(_ text: String) {
        _ = text.withCString { write(2, $0, strlen($0)) }
    }
}
