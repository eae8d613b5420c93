import Foundation

/// The disk of the machine that the cluster runs on: it forgets what was not synced when the power goes. Everything
/// that the cluster must not lose lies on it; what services say does not.
final class MachineDisk: Sendable {
    private let mount: String
    private let program: ChildProgram
    private let log: String

    /// What services keep, below the cluster's directory.
    private static let places = ["disks", "registry", "shard", "cdc", "gc", "relayout"]

    /// Mounts it, and makes the places of a cluster in `directory` lead there.
    init(programs: String, directory: String, seed: UInt64) throws {
        mount = directory + "/power"
        log = directory + "/power.log"
        let medium = directory + "/medium"
        for path in [mount, medium] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        program = try ChildProgram(
            "\(programs)/sterna-volatile-disk",
            ["--medium", medium, "--seed", "\(seed)", "--parent-pid", "\(getpid())", mount], log: log)
        let (mount, program) = (mount, program)
        let isMounted = waitUntil(seconds: 30) {
            access(mount + "/.control", F_OK) == 0 || program.wait(seconds: 0) != nil
        }
        guard isMounted, access(mount + "/.control", F_OK) == 0 else {
            program.stop(seconds: 5)
            throw CampaignError(description: "\(mount) was not mounted; see \(log)")
        }
        for place in Self.places {
            guard mkdir("\(mount)/\(place)", 0o755) == 0, symlink("power/\(place)", "\(directory)/\(place)") == 0 else {
                throw PosixError.last("make \(place) on the machine's disk")
            }
        }
        try command("sync /")
    }

    func stop() {
        if program.wait(seconds: 0) == nil { program.stop(seconds: 30) }
        if umount2(mount, Int32(MNT_DETACH)) == 0 { say("\(mount) had to be unmounted") }
    }

    /// Forgets what was not synced below these places. Nobody who uses them may run.
    /// - Returns: what was lost, for people.
    func cutPower(_ places: [String]) throws -> String {
        try places.map { try command("cut /\($0)") }.joined(separator: "; ")
    }

    /// Forgets what was not synced of everything.
    func cutPower() throws -> String { try cutPower(Self.places) }

    /// - Returns: what the disk says to it.
    @discardableResult func command(_ line: String) throws -> String {
        let bytes = Array((line + "\n").utf8)
        let file = try PosixFile(opening: mount + "/.control", O_RDWR)
        guard write(file.descriptor, bytes, bytes.count) == bytes.count else { throw PosixError.last(line) }
        var answer = [UInt8](repeating: 0, count: 4096)
        let count = try answer.withUnsafeMutableBytes { try file.read($0, at: 0) }
        try file.close()
        appendLine(String(decoding: answer[..<count], as: UTF8.self), to: log)
        return String(decoding: answer[..<count], as: UTF8.self).trimmingCharacters(in: .newlines)
    }
}

/// One place of a machine's disk as a disk that can be full.
struct FillablePlace: FillableDisk {
    let disk: Int
    let machine: MachineDisk

    func fill() { send("full") }
    func free() { send("heal") }

    private func send(_ command: String) {
        do {
            try machine.command("\(command) /disks/\(disk)")
        } catch {
            say("cannot \(command) disk \(disk): \(error)")
        }
    }
}
