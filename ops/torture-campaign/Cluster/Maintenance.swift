import Foundation
import Synchronization

/// What looks after the cluster: the supervised `gc` (frees space, scrubs, migrates), and a second `sterna-gc` of the
/// campaign's own that defragments and evens out, so that it can be stopped before the last scrub is looked at.
final class Maintenance: Sendable {
    private let cluster: TortureCluster
    private let programs: String
    private let counters: Counters
    private let findings: Findings
    private let relayout = Mutex<ChildProgram?>(nil)

    init(cluster: TortureCluster, programs: String, counters: Counters, findings: Findings) {
        self.cluster = cluster
        self.programs = programs
        self.counters = counters
        self.findings = findings
    }

    private var relayoutLog: String { cluster.directory + "/log/relayout.log" }
    private var collectorLog: String { cluster.directory + "/log/gc.log" }

    /// Defragments and evens out from now on.
    func startRelayout() throws {
        let options = [
            "--registry", "\(try cluster.registry())", "--data", cluster.directory + "/relayout", "--parent-pid",
            "\(getpid())", "--no-scrub", "--no-migrate", "--no-collect-directories", "--no-destruct-files",
            "--no-zero-block-services", "--first-delay", "1", "--defrag", "--defrag-interval", "15",
            "--defrag-shards-at-once", "8", "--defrag-bytes-per-second", "4000000", "--rebalance",
            "--rebalance-margin", "5", "--rebalance-bytes-per-second", "4000000", "--key-file", cluster.directory + "/key",
        ]
        let child = try ChildProgram("\(programs)/sterna-gc", options, log: relayoutLog)
        relayout.withLock { $0 = child }
    }

    /// - Returns: whether there was something to kill.
    func killCollector() -> Bool {
        guard let pid = cluster.pid(of: "gc") else { return false }
        addCounters(of: pid, collectorLog)
        kill(pid, SIGKILL)
        return true
    }

    /// Kills it and starts it again. - Returns: whether there was something to kill.
    func killRelayout() throws -> Bool {
        guard let child = relayout.withLock({ $0 }) else { return false }
        guard isRunning(child) else { return false }
        addCounters(of: child.pid, relayoutLog)
        kill(child.pid, SIGKILL)
        _ = child.wait(seconds: 10)
        try startRelayout()
        return true
    }

    /// Of what defragments; nil when nothing does.
    var relayoutProcess: pid_t? { relayout.withLock { $0?.pid } }

    /// After it was killed with everything else.
    func restartRelayout() throws {
        guard let child = relayout.withLock({ $0 }) else { return }
        _ = child.wait(seconds: 10)
        try startRelayout()
    }

    func stopRelayout() {
        guard let child = relayout.withLock({ $0.take() }), isRunning(child) else { return }
        addCounters(of: child.pid, relayoutLog)
        kill(child.pid, SIGTERM)
        let status = child.wait(seconds: 60)
        if status != 0 {
            findings.add("defragmentation did not end properly: \(status.map { "status \($0)" } ?? "not in 60 s")")
            child.stop(seconds: 1)
        }
    }

    /// What the collector did since it was started, into the campaign's totals. Once, as the last thing.
    func addCollectorCounters() {
        if let pid = cluster.pid(of: "gc") { addCounters(of: pid, collectorLog) }
    }

    private func isRunning(_ child: ChildProgram) -> Bool {
        guard let status = child.wait(seconds: 0) else { return true }
        findings.add("defragmentation ended by itself with status \(status); see \(relayoutLog)")
        relayout.withLock { $0 = nil }
        return false
    }

    // MARK: Counters

    /// Lets a service write its counters to its log, and adds them up.
    private func addCounters(of pid: pid_t, _ log: String) {
        guard let reader = try? PosixFile(opening: log, O_RDONLY), let start = try? reader.size() else { return }
        kill(pid, SIGUSR1)
        var size = start
        // Written line by line in one go: complete when nothing more comes.
        _ = waitUntil(seconds: 3) {
            usleep(100_000)
            let before = size
            size = (try? reader.size()) ?? size
            return size > start && size == before
        }
        var bytes = [UInt8](repeating: 0, count: size - start)
        guard let count = try? bytes.withUnsafeMutableBytes({ try reader.read($0, at: start) }) else { return }
        for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 5, words[1] == "notice", let total = Int(words[4]), total > 0 else { continue }
            if words[3].hasPrefix("gc_"), words[3].hasSuffix("_total") { counters.add("done: \(words[3])", total) }
        }
    }
}
