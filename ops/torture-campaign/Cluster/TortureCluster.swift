import EventLoop
import Foundation
import Protocol

/// The cluster under torture: `sterna up` with one process per disk, so that each can be killed by itself.
final class TortureCluster: Sendable {
    let directory: String
    let disks: Int
    private let programs: String
    private let supervisor: ChildProgram

    /// - Parameter options: of `sterna up`, beyond those about disks.
    init(programs: String, directory: String, disks: Int, policy: String, options: [String]) throws {
        self.directory = directory
        self.disks = disks
        self.programs = programs
        let ready = directory + "/ready"
        unlink(ready)
        let arguments =
            [
                "up", directory, "--no-mount", "--ready-file", ready, "--block-services", "\(disks)",
                "--block-processes", "\(disks)", "--policy", policy,
            ] + options
        supervisor = try ChildProgram("\(programs)/sterna", arguments, log: directory + "/up.log")
        let supervisor = supervisor
        let isUp = waitUntil(seconds: 90) {
            access(ready, F_OK) == 0 || supervisor.wait(seconds: 0) != nil
        }
        guard isUp, access(ready, F_OK) == 0 else {
            supervisor.stop(seconds: 20)
            throw CampaignError(description: "the cluster did not start; see \(directory)/up.log and \(directory)/log")
        }
    }

    func stop() { supervisor.stop(seconds: 90) }

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
        guard let key = FileManager.default.contents(atPath: path(ofDisk: disk) + "/secret.key"), key.count == 20 else {
            return nil
        }
        let low = key.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return BlockServiceID(rawValue: low & ~(1 << 63))
    }

    /// Waits until every block service runs and is ready.
    func allDisksServed(seconds: Double) -> Bool {
        waitUntil(seconds: seconds) {
            (0..<disks).allSatisfy { disk in pid(ofDisk: disk).map { kill($0, 0) == 0 } ?? false }
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
