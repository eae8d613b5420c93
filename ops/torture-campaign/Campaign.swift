import EventLoop
import Foundation
import Protocol
import Synchronization

/// One campaign from the start of the cluster to the summary.
final class Campaign {
    private let options: Torture
    private let seed: UInt64
    private let directory: String
    private let programs: String
    private let counters = Counters()
    private let findings: Findings
    private var smallDisk: SmallDisk?
    private var mounts: [TortureMount] = []

    /// Findings after which it is of no use to go on.
    private static let mostFindings = 50

    init(_ options: Torture) throws {
        self.options = options
        seed = options.seed ?? .random(in: 1...999_999)
        let base = options.directory ?? NSTemporaryDirectory() + "sterna-torture-\(seed)-\(getpid())"
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        guard let resolved = realpath(base, nil) else { throw PosixError.last("resolve \(base)") }
        directory = String(cString: resolved)
        free(resolved)
        guard try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty else {
            throw CampaignError(description: "\(directory) is not empty")
        }
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        programs = options.programs ?? (own as NSString).deletingLastPathComponent
        findings = Findings(path: directory + "/findings")
    }

    /// - Returns: whether nothing was found.
    func run() -> Bool {
        say("seed \(seed), directory \(directory)")
        do {
            try torture()
        } catch {
            findings.add("the campaign broke off: \(error)")
        }
        summarize()
        let isSound = findings.count == 0
        if isSound && !options.keep {
            _ = try? FileManager.default.removeItem(atPath: directory)
        } else {
            say("kept: \(directory)")
        }
        return isSound
    }

    private func torture() throws {
        if options.smallDisk > 0 { makeSmallDisk() }
        defer { smallDisk?.unmount() }
        let cluster = try TortureCluster(
            programs: programs, directory: directory, disks: options.disks, policy: options.policy,
            options: clusterOptions)
        defer { cluster.stop() }
        let view = try ClusterView(registry: try cluster.registry())
        defer { view.close() }
        defer { stopMounts() }
        for number in 0..<options.mounts { try mount(number, cluster) }
        for name in LoadContext.directories {
            guard mkdir("\(mounts[0].path)/\(name)", 0o755) == 0 else { throw PosixError.last("mkdir \(name)") }
        }
        let ledger = Ledger(path: directory + "/ledger")
        let (files, uncertain, lost) = try storm(cluster, view, ledger)
        try check(cluster, view, ledger, files, uncertain, lost)
    }

    private var clusterOptions: [String] {
        let gc = [
            "--first-delay=1", "--collect-interval=5", "--destruct-interval=5", "--collect-directories-min-edge-age=1",
            "--destruct-margin=1", "--destruct-pause=5",
        ] + (options.repair
            ? ["--scrub-interval=20", "--scrub-bytes-per-second-per-disk=16000000", "--migrate-interval=5"]
            : ["--no-scrub", "--no-migrate"])
        let services = gc.map { "gc:\($0)" } + ["block:--erase-delay=\(options.eraseDelay)"] + options.serviceOptions
        return ["--keep-deleted", "1s"] + services.flatMap { ["--with", $0] }
    }

    private func makeSmallDisk() {
        let last = options.disks - 1
        smallDisk = SmallDisk(
            disk: last, path: "\(directory)/disks/\(last)", image: directory + "/small-disk",
            megabytes: options.smallDisk, log: directory + "/small-disk.log")
        if smallDisk == nil { say("no loop devices here: no disk will be filled up") }
    }

    // MARK: Mounts

    private func mount(_ number: Int, _ cluster: TortureCluster) throws {
        let path = "\(directory)/mnt\(number)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        mounts.append(
            try TortureMount(
                programs: programs, registry: "\(try cluster.registry())", path: path,
                log: "\(directory)/log/mount\(number).log"))
    }

    private func stopMounts() {
        for mount in mounts where !mount.stop() { findings.add("the mount \(mount.path) did not end properly") }
        mounts = []
    }

    // MARK: Load and faults

    private func storm(
        _ cluster: TortureCluster, _ view: ClusterView, _ ledger: Ledger
    ) throws -> ([KnownFile], Set<String>, Set<BlockServiceID>) {
        let impairments = Impairments()
        let judge = ReadJudge(
            cluster: view, ledger: ledger, impairments: impairments, notesPath: directory + "/notes")
        let context = LoadContext(
            mounts: mounts.map(\.path), counters: counters, findings: findings, judge: judge,
            largestFileBytes: options.largestFile << 20, mostBytes: options.allFiles << 20,
            bytesPerSecond: options.megabytesPerSecond * 1e6 / Double(options.workers))
        let running = RunningThreads()
        for number in 0..<options.workers {
            let seed = SeededRandom.mix(seed &+ UInt64(number) &* 7919)
            try running.start("worker-\(number)") {
                var worker = LoadWorker(number, context, seed: seed)
                worker.run()
            }
        }
        let plan = FaultPlan(
            cluster: cluster, view: view, ledger: ledger, impairments: impairments, counters: counters,
            findings: findings, smallDisk: smallDisk, seed: seed, filesPerMinute: options.filesDamagedPerMinute,
            diskLosses: options.diskLosses,
            secondsBetweenLosses: options.minutes * 60 / Double(options.diskLosses + 1), repairs: options.repair)
        let lost = Mutex<Set<BlockServiceID>>([])
        try running.start("injector") {
            var injector = FaultInjector(plan, model: context.model)
            let services = injector.run { context.isOver }
            lost.withLock { $0 = services }
        }
        watch(context, ledger)
        context.end()
        if !running.wait(seconds: options.patience) {
            findings.add("workers do not end: \(context.watchdog.overdue(seconds: 1).map(\.what))")
            mounts.forEach { $0.abort() }
            guard running.wait(seconds: 60) else { throw CampaignError(description: "workers hang for good") }
        }
        return (context.model.all(), context.model.uncertainPaths, lost.withLock { $0 })
    }

    /// Prints how it goes until it is over.
    private func watch(_ context: LoadContext, _ ledger: Ledger) {
        let began = monotonicSeconds()
        var nextReport = began + 5
        while monotonicSeconds() - began < options.minutes * 60, !isInterrupted.load(ordering: .relaxed) {
            usleep(200_000)
            if let hung = context.watchdog.overdue(seconds: options.patience).first {
                return findings.add("hangs for more than \(Int(options.patience)) s: \(hung.what)")
            }
            if findings.count >= Self.mostFindings { return }
            guard monotonicSeconds() >= nextReport else { continue }
            nextReport += 5
            report(Int(monotonicSeconds() - began), context)
        }
    }

    private func report(_ seconds: Int, _ context: LoadContext) {
        let files = ["files written", "files replaced", "files verified", "files renamed", "files deleted"]
            .map { "\(counters[$0]) \($0.dropFirst(6))" }
        let faults = counters.all("faults ").map { "\($0.total) \($0.name)" }
        say(
            """
            \(seconds) s: \(files.joined(separator: ", ")); \(context.model.count) files of \
            \(context.model.bytes >> 20) MiB; \(counters["bytes written"] >> 20) MiB written, \
            \(counters["bytes verified"] >> 20) MiB verified; faults: \(faults.joined(separator: ", ")); \
            \(counters["reads excused"]) reads excused; \(context.judge.circumstances); \(findings.count) findings
            """)
    }

    // MARK: The end

    private func check(
        _ cluster: TortureCluster, _ view: ClusterView, _ ledger: Ledger, _ files: [KnownFile],
        _ uncertain: Set<String>, _ lost: Set<BlockServiceID>
    ) throws {
        say("checking \(files.count) files")
        guard cluster.allDisksServed(seconds: 60) else {
            throw CampaignError(description: "a block service does not come back; see \(directory)/log")
        }
        // Fresh caches.
        stopMounts()
        try mount(0, cluster)
        let checks = FinalChecks(
            cluster: cluster, view: view, ledger: ledger, findings: findings, counters: counters, files: files,
            uncertain: uncertain, lostServices: lost)
        checks.contents(mount: mounts[0].path)
        checks.blocks()
        if options.repair {
            checks.healing(withinSeconds: 600)
            checks.scrubFindings(path: directory + "/gc/findings")
            checks.contents(mount: mounts[0].path)
        }
        checks.leftovers(withinSeconds: Double(options.eraseDelay) + 180)
    }

    private func summarize() {
        say("seed \(seed), \(options.minutes) minutes")
        for (name, total) in counters.all("") { say("  \(name): \(total)") }
        let faults = BlockFaults.Kind.allCases.reduce(0) { $0 + counters["faults \($1.rawValue)"] }
        let losses = "\(findings.lostFiles) files lost, \(findings.wrongBytes) wrong bytes"
        say("\(faults) block faults, \(losses), \(findings.count) findings")
    }
}
