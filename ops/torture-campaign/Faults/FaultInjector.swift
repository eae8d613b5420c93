import Foundation
import Protocol
import Synchronization

/// What the faults of a campaign are made of.
struct FaultPlan: Sendable {
    let cluster: TortureCluster
    let view: ClusterView
    let mounts: MountSlots
    let maintenance: Maintenance
    let smallBlocks: SmallBlockView
    let ledger: Ledger
    let impairments: Impairments
    let lost: LostDisks
    let counters: Counters
    let findings: Findings
    /// The disk that is filled up, if there is one.
    let smallDisk: (any FillableDisk)?
    /// What forgets when the power goes; nil when the power never goes.
    let machineDisk: MachineDisk?
    let powerCutsPerMinute: Double
    /// Whether syncs fail now and then as well.
    let failsSyncs: Bool
    /// Held while blocks are damaged, and while the power goes.
    let quiet = QuietMoment()
    let seed: UInt64
    /// Disks to be lost, and when: the first after so many seconds, and so on.
    let diskLosses: Int
    let secondsBetweenLosses: Double
    /// Whether the cluster repairs and evacuates.
    let repairs: Bool
}

/// Excludes each other.
final class QuietMoment: Sendable {
    private let lock = Mutex(())

    func withLock<R>(_ body: (inout sending Void) throws -> sending R) rethrows -> R { try lock.withLock(body) }
}

/// Does all faults of processes and whole disks, one after the other, each when it is due.
struct FaultInjector: ~Copyable {
    private var processes: ProcessFaults
    private var full: FullDiskFaults
    private var loss: DiskLoss
    private var maintenance: MaintenanceFaults
    private var metadata: MetadataFaults
    private var mounts: MountFaults
    private var policies: PolicyChanges
    private var power: PowerFaults

    init(_ plan: FaultPlan) {
        processes = ProcessFaults(
            cluster: plan.cluster, impairments: plan.impairments, ledger: plan.ledger, counters: plan.counters,
            seed: plan.seed &+ 2)
        full = FullDiskFaults(
            disk: plan.smallDisk, cluster: plan.cluster, ledger: plan.ledger, counters: plan.counters,
            seed: plan.seed &+ 3)
        loss = DiskLoss(plan, seed: plan.seed &+ 4)
        maintenance = MaintenanceFaults(plan, seed: plan.seed &+ 5)
        metadata = MetadataFaults(plan, seed: plan.seed &+ 6)
        mounts = MountFaults(plan, seed: plan.seed &+ 7)
        policies = PolicyChanges(plan, seed: plan.seed &+ 8)
        power = PowerFaults(plan, seed: plan.seed &+ 9)
    }

    mutating func run(until isOver: () -> Bool) {
        while !isOver() {
            if power.isQuiet {
                processes.tick()
                maintenance.tick()
                metadata.tick()
            }
            full.tick()
            loss.tick(isQuiet: processes.isQuiet && power.isQuiet)
            if loss.isQuiet { power.tick(isQuiet: metadata.isQuiet) }
            mounts.tick()
            policies.tick()
            usleep(20_000)
        }
        processes.end()
        full.end()
        loss.end()
    }
}
