import CLinux
import Foundation

/// A `sterna-mount` that can be killed and started again.
final class ClusterMount {
    let path: String
    private let program: String
    private let arguments: [String]
    private var process: ChildProgram?
    /// The kernel's number of the connection: minor of the device.
    private var connection = 0
    /// Where the kernel tells of connections.
    private static let connections = "/sys/fs/fuse/connections"

    init(_ program: String, at path: String, options: [String]) throws {
        self.path = path
        self.program = program
        arguments = options + ["--parent-pid", "\(getpid())", path]
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try start()
    }

    deinit { stop() }

    private func start() throws {
        let process = try ChildProgram(program, arguments)
        self.process = process
        let deadline = monotonicSeconds() + 30
        while true {
            if let found = try mountedConnection() {
                connection = found
                break
            }
            guard monotonicSeconds() < deadline, process.wait(seconds: 0) == nil else {
                throw RunFailure("\(path) was not mounted")
            }
            usleep(5_000)
        }
        // Not everywhere they are shown already.
        if access(waitingPath, R_OK) != 0 { mount("fusectl", Self.connections, "fusectl", 0, nil) }
        guard access(waitingPath, R_OK) == 0 else {
            throw RunFailure.call("look at \(Self.connections)/\(connection), which needs root")
        }
    }

    private var waitingPath: String { "\(Self.connections)/\(connection)/waiting" }

    /// The list of mounts never waits for one.
    private func mountedConnection() throws -> Int? {
        let list = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        for line in list.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 4, fields[4] == path else { continue }
            return fields[2].split(separator: ":").last.flatMap { Int($0) }
        }
        return nil
    }

    /// Waits until the kernel waits for no answer: RELEASE, which close(2) does not wait for, is answered when what it
    /// began is done.
    func settle() throws {
        let deadline = monotonicSeconds() + WorkerProcess.deadlineSeconds
        while true {
            let text = try String(contentsOfFile: waitingPath, encoding: .utf8)
            if text.trimmingCharacters(in: .whitespacesAndNewlines) == "0" { return }
            guard monotonicSeconds() < deadline else { throw RunFailure("requests of \(path) are never answered") }
            usleep(200)
        }
    }

    /// kill -9, and a new one.
    func crash() throws {
        stop()
        try start()
    }

    private func stop() {
        guard let process else { return }
        self.process = nil
        _ = process.kill()
        let code = linux_unmount_lazily(path)
        if code != 0 { FileHandle.standardError.write(Data("\(path) stays mounted: \(code)\n".utf8)) }
    }
}
