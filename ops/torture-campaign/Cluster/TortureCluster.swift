import EventLoop
import Foundation
import Protocol
import Synchronization

/// The cluster under torture: `sterna up` with one process per disk, so that each can be killed by itself.
final class TortureCluster: Sendable {
    let directory: String
    let disks: Int
    private let program: String
    private let arguments: [String]
    /// nil once it was stopped.
    private let supervisor: Mutex<ChildProgram?>

    private var ready: String { directory + "/ready" }

    /// - Parameter options: of `sterna up`, beyond those about disks.
    init(programs: String, directory: String, disks: Int, policy: String, options: [String]) throws {
        self.directory = directory
        self.disks = disks
        program = "\(programs)/sterna"
        arguments =
            [
                "up", directory, "--no-mount", "--ready-file", directory + "/ready", "--block-services", "\(disks)",
                "--block-processes", "\(disks)", "--policy", policy,
            ] + options
        supervisor = Mutex(try Self.started(program, arguments, directory))
        try awaitReady()
    }

    private static func started(_ program: String, _ arguments: [String], _ directory: String) throws -> ChildProgram {
        unlink(directory + "/ready")
        return try ChildProgram(program, arguments, log: directory + "/up.log")
    }

    private func awaitReady() throws {
        let (supervisor, ready) = (try current, ready)
        let isUp = waitUntil(seconds: 90) { access(ready, F_OK) == 0 || supervisor.wait(seconds: 0) != nil }
        guard isUp, access(ready, F_OK) == 0 else {
            supervisor.stop(seconds: 20)
            throw CampaignError(description: "the cluster did not start; see \(directory)/up.log and \(directory)/log")
        }
    }

    private var current: ChildProgram {
        get throws {
            guard let running = supervisor.withLock({ $0 }) else { throw CampaignError(description: "it is stopped") }
            return running
        }
    }

    /// Once; later calls do nothing.
    func stop() { supervisor.withLock { $0.take() }?.stop(seconds: 90) }

    // MARK: Power

    /// Kills a service, does something, and only then lets it be started again.
    func killing(_ service: String, _ body: () throws -> Void) throws {
        let supervisor = try current.pid
        kill(supervisor, SIGSTOP)
        defer { kill(supervisor, SIGCONT) }
        guard let pid = pid(of: service) else { throw CampaignError(description: "\(service) does not run") }
        try Processes.kill([pid])
        try body()
    }

    /// Kills all that runs at once: the supervisor first stops, so that it starts nothing.
    /// - Parameter others: processes of the same machine that are not the supervisor's.
    func killAll(and others: [pid_t]) throws {
        let supervisor = try current
        kill(supervisor.pid, SIGSTOP)
        try Processes.kill(Processes.children(of: supervisor.pid) + others)
        kill(supervisor.pid, SIGKILL)
        _ = supervisor.wait(seconds: 10)
        let run = directory + "/run"
        for name in try FileManager.default.contentsOfDirectory(atPath: run) where name.hasSuffix(".pid") {
            unlink("\(run)/\(name)")
        }
    }

    /// Starts it again after `killAll`.
    func start() throws {
        let new = try Self.started(program, arguments, directory)
        supervisor.withLock { $0 = new }
        try awaitReady()
    }

    // MARK: What is where

    func registry() throws -> SocketAddress {
        let text = try String(contentsOfFile: directory + "/run/registry.address", encoding: .utf8)
        return try SocketAddress.resolve(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// Process id of a service that is ready; nil while it is not.
    func pid(of service: String) -> pid_t? {
        let text = try? String(contentsOfFile: "\(directory)/run/\(service).pid", encoding: .utf8)
        return text.flatMap { pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    func pid(ofDisk disk: Int) -> pid_t? { pid(of: "block-\(disk)") }

    func path(ofDisk disk: Int) -> String { "\(directory)/disks/\(disk)" }

    /// The block service that lives on a disk, from its key.
    func service(onDisk disk: Int) -> BlockServiceID? {
        key(ofDisk: disk).map { BlockServiceID(rawValue: $0.low & ~(1 << 63)) }
    }

    /// nil when there is none, or not all of it.
    func key(ofDisk disk: Int) -> SecretKey? {
        guard let bytes = FileManager.default.contents(atPath: path(ofDisk: disk) + "/secret.key"), bytes.count == 20
        else { return nil }
        func word(_ bytes: Data) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        return SecretKey(low: word(bytes.prefix(8)), high: word(bytes.dropFirst(8).prefix(8)))
    }

    /// Waits until every service runs and is ready.
    func allServicesRun(seconds: Double) -> Bool {
        let services = (0..<disks).map { "block-\($0)" } + ["registry", "shard", "cdc", "gc"]
        return waitUntil(seconds: seconds) {
            services.allSatisfy { service in pid(of: service).map { kill($0, 0) == 0 } ?? false }
        }
    }
}

/// Waits for a condition; whether it came true in time.
func waitUntil(seconds: Double, _ condition: () -> Bool) -> Bool {
    let deadline = monotonicSeconds() + seconds
    while !condition() {
        guard monotonicSeconds() < deadline else { return false }
        usleep(20_000)
    }
    return true
}
