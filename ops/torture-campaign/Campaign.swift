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
    private var machineDisk: MachineDisk?
    private var mounts: MountSlots?

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
        if options.powerCuts > 0 {
            machineDisk = try MachineDisk(programs: programs, directory: directory, seed: seed)
        } else if options.smallDisk > 0 {
            makeSmallDisk()
        }
        defer {
            smallDisk?.unmount()
            machineDisk?.stop()
        }
        let cluster = try TortureCluster(
            programs: programs, directory: directory, disks: options.disks, policy: options.policy,
            options: clusterOptions)
        defer { cluster.stop() }
        let view = try ClusterView(registry: try cluster.registry(), keyFile: directory + "/key")
        defer { view.close() }
        defer { stopMounts() }
        let mounts = try mount(options.mounts, cluster)
        for name in LoadContext.directories {
            guard mkdir("\(mounts.paths[0])/\(name)", 0o755) == 0 else { throw PosixError.last("mkdir \(name)") }
        }
        if let place = options.lyingDisk { try machineDisk?.command("ignore-sync /\(place)") }
        let maintenance = Maintenance(
            cluster: cluster, programs: programs, counters: counters, findings: findings)
        if options.relayout { try maintenance.startRelayout() }
        defer { maintenance.stopRelayout() }
        let ledger = Ledger(path: directory + "/ledger")
        let impairments = Impairments()
        let plan = FaultPlan(
            cluster: cluster, view: view, mounts: mounts, maintenance: maintenance,
            smallBlocks: SmallBlockView(cluster), ledger: ledger, impairments: impairments, lost: LostDisks(),
            counters: counters, findings: findings, smallDisk: fillableDisk, machineDisk: machineDisk,
            powerCutsPerMinute: options.powerCuts, failsSyncs: options.failingSyncs, seed: seed,
            diskLosses: options.diskLosses,
            secondsBetweenLosses: options.minutes * 60 / Double(options.diskLosses + 1), repairs: options.repair)
        let (model, names) = try storm(plan)
        guard !findings.isHopeless else { return }
        try check(plan, model, names)
        maintenance.addCollectorCounters()
        stopMounts()
        cluster.stop()
        checkMetadata()
    }

    /// What every shard and the coordinator keep agrees with itself, when all of it stands still.
    private func checkMetadata() {
        let log = directory + "/fsck.log"
        do {
            let status = try ChildProgram.run("\(programs)/sterna", ["fsck", directory], log: log, seconds: 300)
            if status != 0 { findings.add("fsck ends with \(status); see \(log)") }
            counters.add("fsck of everything")
        } catch {
            findings.add("fsck: \(error)")
        }
    }

    private var fillableDisk: (any FillableDisk)? {
        guard let machineDisk, options.smallDisk > 0 else { return smallDisk }
        return FillablePlace(disk: options.disks - 1, machine: machineDisk)
    }

    private var clusterOptions: [String] {
        let gc = [
            "--first-delay=1", "--collect-interval=5", "--destruct-interval=5", "--collect-directories-min-edge-age=1",
            "--destruct-margin=1", "--destruct-pause=5",
        ] + (options.repair
            ? ["--scrub-interval=20", "--scrub-bytes-per-second-per-disk=16000000", "--migrate-interval=5"]
            : ["--no-scrub", "--no-migrate"])
        let block = ["--erase-delay=\(options.eraseDelay)", "--unsafe-erase-delay"]
        let services = gc.map { "gc:\($0)" } + block.map { "block:\($0)" }
            + ["shard:--minimum-history-age=1"] + options.serviceOptions
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

    private func mount(_ count: Int, _ cluster: TortureCluster) throws -> MountSlots {
        let (programs, directory) = (programs, directory)
        let paths = (0..<count).map { "\(directory)/mnt\($0)" }
        for path in paths { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        let slots = try MountSlots(paths) { number in
            try TortureMount(
                programs: programs, registry: "\(try cluster.registry())", path: paths[number],
                log: "\(directory)/log/mount\(number).log")
        }
        mounts = slots
        return slots
    }

    private func stopMounts() {
        let broken = mounts?.stop() ?? []
        if !findings.isHopeless { for path in broken { findings.add("the mount \(path) did not end properly") } }
        mounts = nil
    }

    // MARK: Load and faults

    private func storm(_ plan: FaultPlan) throws -> (FileModel, NameJudge) {
        let view = plan.view
        let judge = ReadJudge(
            ledger: plan.ledger, impairments: plan.impairments, notesPath: directory + "/notes"
        ) { try view.spans(ofPath: $0) }
        let context = LoadContext(
            mounts: plan.mounts, counters: counters, findings: findings, judge: judge,
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
        for number in 0..<options.nameWorkers {
            let seed = SeededRandom.mix(seed &+ UInt64(number) &* 7907)
            try running.start("names-\(number)") {
                var worker = NameWorker(number, context, seed: seed)
                while !context.isOver {
                    worker.step()
                    usleep(20_000)
                }
                worker.end()
            }
        }
        let rate = options.filesDamagedPerMinute
        try running.start("block-faults") {
            var faults = BlockFaults(plan, model: context.model, seed: plan.seed &+ 1)
            faults.run(filesPerMinute: rate) { context.isOver }
        }
        let progress = Progress(
            counters: counters, findings: findings, seconds: options.minutes * 60, patience: options.patience)
        try running.start("progress") {
            progress.watch(context)
            context.end()
        }
        // On this thread: what it starts ends with the thread that started it.
        var injector = FaultInjector(plan)
        injector.run { context.isOver }
        if !running.wait(seconds: options.patience) {
            findings.add("workers do not end: \(context.watchdog.overdue(seconds: 1).map(\.what))")
            plan.mounts.abort()
            guard running.wait(seconds: 60) else { throw CampaignError(description: "workers hang for good") }
        }
        return (context.model, context.names)
    }

    // MARK: The end

    private func check(_ plan: FaultPlan, _ model: FileModel, _ names: NameJudge) throws {
        let files = model.all()
        say("checking \(files.count) files")
        plan.maintenance.stopRelayout()
        guard plan.cluster.allServicesRun(seconds: 60) else {
            throw CampaignError(description: "a service does not come back; see \(directory)/log")
        }
        // Fresh caches.
        stopMounts()
        let root = try mount(1, plan.cluster).paths[0]
        let checks = FinalChecks(
            cluster: plan.cluster, view: plan.view, ledger: plan.ledger, findings: findings, counters: counters,
            smallBlocks: plan.smallBlocks, files: files, doubts: model.doubts, lostServices: plan.lost.services)
        checks.contents(mount: root)
        checks.cutOffCalls(mount: root)
        checks.trees(names.all, mount: root)
        checks.deaths(log: directory + "/up.log")
        let unread = checks.blocks()
        if options.repair {
            checks.healing(withinSeconds: 600)
            checks.scrubReports(log: directory + "/log/gc.log", unread: unread)
            checks.contents(mount: root)
        }
        guard options.leftovers else { return }
        checks.leftovers(withinSeconds: Double(options.eraseDelay) + 180)
    }

    private func summarize() {
        say("seed \(seed), \(options.minutes) minutes")
        for (name, total) in counters.all("") { say("  \(name): \(total)") }
        let faults = counters.all("block faults: ").reduce(0) { $0 + $1.total }
        let kills = counters.all("processes killed: ").reduce(0) { $0 + $1.total }
        let losses = "\(findings.lostFiles) files lost, \(findings.wrongBytes) wrong bytes"
        if let path = options.summary { appendSummary(to: path) }
        say("\(kills) processes killed, \(faults) block faults, \(losses), \(findings.count) findings")
    }

    /// A line of JSON; the totals of several campaigns may be added up.
    private func appendSummary(to path: String) {
        var totals = Dictionary(uniqueKeysWithValues: counters.all("").map { ($0.name, $0.total) })
        totals["seconds of load"] = Int(options.minutes * 60)
        totals["files lost"] = findings.lostFiles
        totals["wrong bytes"] = findings.wrongBytes
        totals["findings"] = findings.count
        do {
            let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
            let data = try JSONSerialization.data(withJSONObject: totals, options: options)
            appendLine(String(decoding: data, as: UTF8.self), to: path)
        } catch {
            say("no summary in \(path): \(error)")
        }
    }
}
