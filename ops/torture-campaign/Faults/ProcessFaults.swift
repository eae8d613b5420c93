import Foundation

/// Kills block service processes, or stops them for a while; one at a time.
struct ProcessFaults {
    private enum Phase {
        case quiet(until: Double)
        case paused(disk: Int, pid: pid_t, until: Double)
        /// Until the supervisor has started it again.
        case killed(disk: Int, pid: pid_t)
    }

    private let cluster: TortureCluster
    private let impairments: Impairments
    private let ledger: Ledger
    private let counters: Counters
    private var random: SeededRandom
    private var phase: Phase
    /// The first fault is a kill, so that the shortest campaign has one.
    private var hasKilled = false

    init(cluster: TortureCluster, impairments: Impairments, ledger: Ledger, counters: Counters, seed: UInt64) {
        self.cluster = cluster
        self.impairments = impairments
        self.ledger = ledger
        self.counters = counters
        random = SeededRandom(seed: seed)
        phase = .quiet(until: monotonicSeconds() + 3)
    }

    /// Whether all processes are let be at the moment.
    var isQuiet: Bool { if case .quiet = phase { true } else { false } }

    /// Does what is due.
    mutating func tick() {
        switch phase {
        case .quiet(let until): if monotonicSeconds() > until { begin() }
        case .paused(let disk, let pid, let until): if monotonicSeconds() > until { resume(disk, pid) }
        case .killed(let disk, let pid):
            if let new = cluster.pid(ofDisk: disk), new != pid { rest(disk) }
        }
    }

    /// Lets a stopped process go on; the last thing to do.
    mutating func end() {
        if case .paused(let disk, let pid, _) = phase { resume(disk, pid) }
    }

    private mutating func begin() {
        let healthy = Set(0..<cluster.disks).subtracting(impairments.disks).sorted()
        guard let disk = healthy.randomElement(using: &random), let pid = cluster.pid(ofDisk: disk),
            let service = cluster.service(onDisk: disk)
        else { return }
        let isKill = random.chance(0.4) || !hasKilled
        impairments.begin(disk, service, isKill ? "killed" : "paused")
        if isKill {
            ledger.note("kill disk \(disk)")
            counters.add("processes killed: block")
            kill(pid, SIGKILL)
            hasKilled = true
            phase = .killed(disk: disk, pid: pid)
        } else {
            // Mostly short; sometimes longer than anybody waits for one request.
            let seconds = random.chance(0.2) ? Double.random(in: 15..<40, using: &random)
                : Double.random(in: 0.2..<6, using: &random)
            ledger.note("pause disk \(disk) for \(Int(seconds * 1000)) ms")
            counters.add("processes paused: block")
            kill(pid, SIGSTOP)
            phase = .paused(disk: disk, pid: pid, until: monotonicSeconds() + seconds)
        }
    }

    private mutating func resume(_ disk: Int, _ pid: pid_t) {
        kill(pid, SIGCONT)
        rest(disk)
    }

    private mutating func rest(_ disk: Int) {
        impairments.end(disk)
        phase = .quiet(until: monotonicSeconds() + Double.random(in: 1..<8, using: &random))
    }
}
