import Foundation
import Synchronization

/// Cuts the power: of one disk and its service, of one service that keeps metadata, or of the whole machine with
/// everything that runs on it, mounts included. What was not synced is forgotten then. One disk may also refuse a sync.
struct PowerFaults {
    private enum Target {
        case machine
        case disk
        case metadata
        /// No cut: a sync that fails, of which a later one should tell.
        case sync
    }

    private let plan: FaultPlan
    private let disk: MachineDisk?
    private var random: SeededRandom
    private var next: Double
    private let secondsBetween: Double
    /// The first is of everything, so that the shortest campaign has one.
    private var hasCutAll = false
    /// Killed, and to be ready again.
    private var killed: (service: String, pid: pid_t, since: Double, disk: Int?)?

    /// Places where the next sync fails, or has failed.
    private var failing: Set<String> = []

    private static let restartSeconds = 60.0

    init(_ plan: FaultPlan, seed: UInt64) {
        self.plan = plan
        disk = plan.powerCutsPerMinute > 0 ? plan.machineDisk : nil
        random = SeededRandom(seed: seed)
        secondsBetween = 60 / max(plan.powerCutsPerMinute, 0.001)
        next = monotonicSeconds() + min(secondsBetween, 6)
    }

    /// Whether no service is on its way back from a cut.
    var isQuiet: Bool { killed == nil }

    /// Does what is due.
    /// - Parameter isQuiet: whether no service that keeps metadata is on its way back.
    mutating func tick(isQuiet: Bool) {
        guard let disk else { return }
        if let killed { return watch(killed) }
        guard monotonicSeconds() > next else { return }
        next = monotonicSeconds() + Double.random(in: 0.5..<1.5, using: &random) * secondsBetween
        var targets: [Target] = hasCutAll && isQuiet ? [.machine, .machine, .disk, .disk, .metadata] : [.machine]
        if hasCutAll, isQuiet, plan.failsSyncs { targets += [.sync, .sync] }
        let target = targets.randomElement(using: &random) ?? .machine
        do {
            switch target {
            case .machine: try cutMachine(disk)
            case .disk: try cutDisk(disk)
            case .metadata: try cutMetadata(disk)
            case .sync: try failSync(disk)
            }
        } catch {
            plan.findings.addLast("after a power cut (\(target)): \(error)")
            plan.mounts.giveUp()
            next = .infinity
        }
    }

    private mutating func cutMachine(_ disk: MachineDisk) throws {
        hasCutAll = true
        plan.ledger.note("power cut of the machine")
        plan.counters.add("power cuts: machine")
        // A block service without any room at its start waits for some, and so would the cluster.
        plan.smallDisk?.free()
        let mounts = plan.mounts.close()
        try plan.quiet.withLock { _ in
            try plan.cluster.killAll(and: mounts + [plan.maintenance.relayoutProcess].compactMap(\.self))
            plan.ledger.note(try disk.cutPower())
            plan.smallBlocks.forget()
        }
        // No start survives a disk that fails meanwhile, and none has to.
        for place in failing { try disk.command("heal /\(place)") }
        failing = []
        let began = monotonicSeconds()
        try plan.cluster.start()
        try plan.maintenance.restartRelayout()
        try plan.mounts.reopen()
        plan.counters.add("milliseconds until the machine served again", Int((monotonicSeconds() - began) * 1000))
    }

    private mutating func cutDisk(_ machine: MachineDisk) throws {
        let healthy = Set(0..<plan.cluster.disks).subtracting(plan.impairments.disks)
            .subtracting([plan.smallDisk?.disk].compactMap(\.self)).sorted()
        guard let disk = healthy.randomElement(using: &random), let service = plan.cluster.service(onDisk: disk),
            let pid = plan.cluster.pid(ofDisk: disk)
        else { return }
        plan.impairments.begin(disk, service, "without power")
        plan.ledger.note("power cut of disk \(disk)")
        plan.counters.add("power cuts: disk")
        plan.counters.add("processes killed: block")
        try plan.quiet.withLock { _ in
            try plan.cluster.killing("block-\(disk)") {
                plan.ledger.note(try machine.cutPower(["disks/\(disk)"]))
                plan.smallBlocks.forget(disk)
            }
        }
        killed = ("block-\(disk)", pid, monotonicSeconds(), disk)
    }

    private mutating func cutMetadata(_ machine: MachineDisk) throws {
        let service = ["shard", "shard", "cdc", "registry", "gc"].randomElement(using: &random) ?? "shard"
        guard let pid = plan.cluster.pid(of: service) else { return }
        plan.ledger.note("power cut of \(service)")
        plan.counters.add("power cuts: \(service)")
        plan.counters.add("processes killed: \(service)")
        try plan.cluster.killing(service) { plan.ledger.note(try machine.cutPower([service])) }
        killed = (service, pid, monotonicSeconds(), nil)
    }

    /// One sync of a disk or a log answers EIO. Its bytes are read as if nothing had happened, and gone with the power.
    private mutating func failSync(_ machine: MachineDisk) throws {
        let healthy = Set(0..<plan.cluster.disks).subtracting(plan.impairments.disks).sorted()
        let disks = healthy.randomElement(using: &random).map { ["disks/\($0)", "disks/\($0)"] } ?? []
        let logs = ["shard/log", "cdc/log", "registry/log"]
        guard let place = (disks + logs).randomElement(using: &random), let role = place.split(separator: "/").first
        else { return }
        plan.ledger.note("the next sync of \(place) fails")
        plan.counters.add("syncs failed: \(role)")
        try machine.command("fail-sync /\(place) 1")
        failing.insert(place)
    }

    private mutating func watch(_ killed: (service: String, pid: pid_t, since: Double, disk: Int?)) {
        if let new = plan.cluster.pid(of: killed.service), new != killed.pid {
            self.killed = nil
        } else if monotonicSeconds() - killed.since > Self.restartSeconds {
            plan.findings.add("\(killed.service) does not serve again after a power cut")
            self.killed = nil
            next = .infinity
        } else {
            return
        }
        if let disk = killed.disk { plan.impairments.end(disk) }
    }
}
