import Foundation

/// A cluster started with `sterna up` for measuring. It takes its data with it, so that the next one has the whole disk.
final class BenchCluster {
    let directory: String
    var mount: String { directory + "/mnt" }
    private let process: Process

    init(_ programs: Programs, directory: String, _ arguments: [String] = []) throws {
        self.directory = directory
        let ready = directory + "/ready"
        try? FileManager.default.removeItem(atPath: ready)
        process = Programs.process("\(programs.sterna)/sterna", ["up", directory, "--ready-file", ready] + arguments)
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let process = process
        try wait(seconds: 60, for: "the cluster to be ready") {
            FileManager.default.fileExists(atPath: ready) || !process.isRunning
        }
        guard process.isRunning else { throw ProgramError(description: "sterna up ended; see \(directory)/log") }
    }

    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Process id of a service.
    func pid(_ service: String) throws -> Int32 {
        let text = try String(contentsOfFile: "\(directory)/run/\(service).pid", encoding: .utf8)
        guard let pid = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw ProgramError(description: "\(service) has no process id")
        }
        return pid
    }

    /// Address that a service has reported, as HOST:PORT.
    func address(_ service: String) throws -> String {
        try String(contentsOfFile: "\(directory)/run/\(service).address", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The counters of a service, by name: it writes them to its log when asked with SIGUSR1.
    func counters(_ service: String, through last: String) throws -> [String: Double] {
        let path = "\(directory)/log/\(service).log"
        let before = try Data(contentsOf: URL(fileURLWithPath: path)).count
        kill(try pid(service), SIGUSR1)
        var counters: [String: Double] = [:]
        try wait(seconds: 10, for: "the counters of \(service)") {
            guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)).dropFirst(before) else { return false }
            let text = String(decoding: data, as: UTF8.self)
            for line in text.prefix(upTo: text.lastIndex(of: "\n") ?? text.startIndex).split(separator: "\n") {
                let words = line.split(separator: " ").suffix(2)
                guard let name = words.first, let value = words.last.flatMap({ Double($0) }) else { continue }
                counters[String(name)] = value
            }
            return counters[last] != nil
        }
        return counters
    }

    /// Mounts anew, so that neither the kernel nor the mount process holds anything in a cache.
    func remount() throws {
        try restart("mount")
    }

    /// Ends a service, and waits until it has been started again.
    func restart(_ service: String) throws {
        let old = try pid(service)
        kill(old, SIGTERM)
        try wait(seconds: 30, for: "\(service) to be back") { (try? pid(service)).map { $0 != old } ?? false }
    }
}

/// Processor seconds (user and system) a process has used so far.
func processorSeconds(_ pid: Int32) -> Double {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let end = text.lastIndex(of: ")")
    else { return 0 }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
}

/// Memory in bytes that a process holds for itself alone or shares, counted by share (PSS).
func residentBytes(_ pid: Int32) -> Double {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8) else { return 0 }
    let line = text.split(separator: "\n").first { $0.hasPrefix("Pss:") } ?? ""
    return (line.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0) * 1024
}
