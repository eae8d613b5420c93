import Foundation
import Protocol

/// What the faults of a campaign are made of.
struct FaultPlan: Sendable {
    let cluster: TortureCluster
    let view: ClusterView
    let ledger: Ledger
    let impairments: Impairments
    let counters: Counters
    let findings: Findings
    /// The disk that is filled up, if there is one.
    let smallDisk: SmallDisk?
    let seed: UInt64
    /// Files a minute whose blocks are damaged.
    let filesPerMinute: Double
    /// Disks to be lost, and when: the first after so many seconds, and so on.
    let diskLosses: Int
    let secondsBetweenLosses: Double
    /// Whether the cluster repairs and evacuates.
    let repairs: Bool
}

/// Does all faults, one after the other, each when it is due.
struct FaultInjector: ~Copyable {
    private var blocks: BlockFaults
    private var processes: ProcessFaults
    private var full: FullDiskFaults
    private var loss: DiskLoss
    private var collector: CollectorFaults
    private let pauseSeconds: Double

    init(_ plan: FaultPlan, model: FileModel) {
        let (cluster, ledger, counters) = (plan.cluster, plan.ledger, plan.counters)
        blocks = BlockFaults(
            model: model, cluster: cluster, view: plan.view, ledger: ledger, counters: counters, seed: plan.seed &+ 1)
        processes = ProcessFaults(
            cluster: cluster, impairments: plan.impairments, ledger: ledger, counters: counters, seed: plan.seed &+ 2)
        full = FullDiskFaults(
            disk: plan.smallDisk, cluster: cluster, ledger: ledger, counters: counters, seed: plan.seed &+ 3)
        loss = DiskLoss(plan, seed: plan.seed &+ 4)
        collector = CollectorFaults(cluster: cluster, ledger: ledger, counters: counters, seed: plan.seed &+ 5)
        pauseSeconds = 60 / max(plan.filesPerMinute, 0.1)
    }

    /// - Returns: services of disks that were lost for good.
    mutating func run(until isOver: () -> Bool) -> Set<BlockServiceID> {
        var next = monotonicSeconds()
        while !isOver() {
            processes.tick()
            full.tick()
            collector.tick()
            if let lost = loss.tick(isQuiet: processes.isQuiet) { blocks.lostServices.insert(lost) }
            blocks.reserve = loss.isPending ? 1 : 0
            if monotonicSeconds() >= next {
                blocks.damageAnyFile()
                next = max(next + pauseSeconds, monotonicSeconds() - 1)
            }
            usleep(20_000)
        }
        processes.end()
        full.end()
        return blocks.lostServices
    }
}
