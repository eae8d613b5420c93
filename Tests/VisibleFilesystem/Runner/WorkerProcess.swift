import Foundation
import SystemCalls
import VisibleFilesystem

/// A `Worker` in a process of its own, and how to talk to it.
final class WorkerProcess {
    /// A call that takes longer hangs.
    static let deadlineSeconds = 60.0

    private let program: ChildProgram
    private let requests: Int32
    private let replies: Int32
    private var pending: [UInt8] = []

    /// - Parameter root: where its names lie.
    init(root: String) throws {
        var (requests, replies): ([Int32], [Int32]) = ([0, 0], [0, 0])
        guard program_pipe(&requests) == 0, program_pipe(&replies) == 0 else { throw RunFailure.call("make a pipe") }
        program = try ChildProgram(
            try Self.ownPath(), ["worker", root], input: requests[0], output: replies[1])
        close(requests[0])
        close(replies[1])
        self.requests = requests[1]
        self.replies = replies[0]
    }

    deinit {
        close(requests)
        close(replies)
    }

    private static func ownPath() throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }

    /// What a call answered, or why it did not.
    func perform(_ step: Step) throws -> Result<Reply, WorkerFailure> {
        let line = try JSONEncoder().encode(step) + [UInt8(ascii: "\n")]
        // Shorter than a pipe, whose reader reads it whole.
        guard line.withUnsafeBytes({ write(requests, $0.baseAddress, line.count) }) == line.count else {
            return .failure(ending())
        }
        let deadline = monotonicSeconds() + Self.deadlineSeconds
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                defer { pending.removeSubrange(...end) }
                return .success(try JSONDecoder().decode(Reply.self, from: Data(pending[..<end])))
            }
            let left = deadline - monotonicSeconds()
            var watched = pollfd(fd: replies, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&watched, 1, Int32(left * 1000) + 1) > 0 else { return .failure(.hangs) }
            var buffer = [UInt8](repeating: 0, count: 1 << 18)
            let count = read(replies, &buffer, buffer.count)
            guard count > 0 else { return .failure(ending()) }
            pending += buffer[..<count]
        }
    }

    func kill() -> Bool { program.kill() }

    private func ending() -> WorkerFailure { .ended(status: program.wait(seconds: 10)) }
}

enum WorkerFailure: Error, CustomStringConvertible {
    case hangs
    case ended(status: Int32?)

    var description: String {
        switch self {
        case .hangs: "does not return within \(Int(WorkerProcess.deadlineSeconds)) s"
        case .ended(let status):
            status.map { $0 & 0x7f == 0 ? "ended its process" : "killed its process by signal \($0 & 0x7f)" }
                ?? "closed its process's answers"
        }
    }
}
