import Foundation
import Synchronization

/// What went wrong. Every finding is printed at once and kept in a file.
final class Findings: Sendable {
    private struct State {
        var lines: [String] = []
        var lostFiles: Set<String> = []
        var wrongBytes = 0
        var isHopeless = false
    }

    private let state = Mutex(State())
    private let path: String

    /// - Parameter path: where they are kept.
    init(path: String) { self.path = path }

    var count: Int { state.withLock { $0.lines.count } }
    var lostFiles: Int { state.withLock { $0.lostFiles.count } }
    var wrongBytes: Int { state.withLock { $0.wrongBytes } }

    /// Whether something was found after which there is no cluster any more.
    var isHopeless: Bool { state.withLock { $0.isHopeless } }

    /// Something after which it is of no use to go on.
    func addLast(_ text: String) {
        add(text)
        state.withLock { $0.isHopeless = true }
    }

    func add(_ text: String) {
        let line = "FINDING \(text)"
        state.withLock { state in
            state.lines.append(line)
            say(line)
            appendLine(line, to: path)
        }
    }

    /// A file that came back different.
    func addWrongBytes(_ text: String) {
        state.withLock { $0.wrongBytes += 1 }
        add("wrong bytes: \(text)")
    }

    /// A file that is not there, or cannot be read although nothing is out of order.
    func addLoss(of path: String, _ text: String) {
        state.withLock { _ = $0.lostFiles.insert(path) }
        add("lost: \(text)")
    }
}

/// Prints a line at once, wherever the output goes.
func say(_ text: String) {
    print(text)
    fflush(nil)
}

/// Appends a line to a file; what cannot be kept is said.
func appendLine(_ line: String, to path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    let bytes = Array((line + "\n").utf8)
    if descriptor < 0 || write(descriptor, bytes, bytes.count) != bytes.count {
        say("cannot write \(path): \(String(cString: strerror(errno)))")
    }
    if descriptor >= 0 { close(descriptor) }
}
