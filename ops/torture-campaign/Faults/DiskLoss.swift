import Foundation
import Protocol

/// A disk whose directory is deleted, which is decommissioned a little later and replaced by an empty one.
struct DiskLoss {
    private enum Phase {
        case waiting(Double)
        case deleted(disk: Int, service: BlockServiceID, since: Double)
        case done
    }

    private let cluster: TortureCluster
    private let view: ClusterView
    private let impairments: Impairments
    private let ledger: Ledger
    private let counters: Counters
    private let findings: Findings
    private var random: SeededRandom
    private var phase: Phase

    /// - Parameter afterSeconds: when it happens; nil: never.
    init(
        cluster: TortureCluster, view: ClusterView, impairments: Impairments, ledger: Ledger, counters: Counters,
        findings: Findings, afterSeconds: Double?, seed: UInt64
    ) {
        self.cluster = cluster
        self.view = view
        self.impairments = impairments
        self.ledger = ledger
        self.counters = counters
        self.findings = findings
        random = SeededRandom(seed: seed)
        phase = afterSeconds.map { .waiting(monotonicSeconds() + $0) } ?? .done
    }

    /// Whether a loss is still to come.
    var isPending: Bool { if case .waiting = phase { true } else { false } }

    /// Does what is due. - Returns: the service that was lost just now.
    mutating func tick(isQuiet: Bool) -> BlockServiceID? {
        switch phase {
        case .waiting(let time):
            guard monotonicSeconds() > time, isQuiet else { return nil }
            return delete()
        case .deleted(let disk, let service, let since):
            // What an operator needs to notice it.
            if monotonicSeconds() - since > 10 { replace(disk, service) }
            return nil
        case .done:
            return nil
        }
    }

    private mutating func delete() -> BlockServiceID? {
        // Not the small disk, which is a mount point.
        let disk = Int.random(in: 0..<cluster.disks - 1, using: &random)
        guard !impairments.disks.contains(disk), let service = cluster.service(onDisk: disk) else { return nil }
        impairments.begin(disk, service, "lost")
        ledger.note("delete the directory of disk \(disk), block service \(service)")
        counters.add("faults disk lost")
        do {
            try FileManager.default.removeItem(atPath: cluster.path(ofDisk: disk))
        } catch {
            // Writers may make files while the directory is being emptied; what is left is a disk with gaps.
            ledger.note("not all of it: \(error)")
        }
        phase = .deleted(disk: disk, service: service, since: monotonicSeconds())
        return service
    }

    private mutating func replace(_ disk: Int, _ service: BlockServiceID) {
        phase = .done
        ledger.note("decommission block service \(service)")
        do {
            try view.wait { [queries = view.queries] in try await queries.decommission(service) }
        } catch {
            findings.add("block service \(service) could not be decommissioned: \(error)")
        }
        // Stopped, it cannot put anything on the new disk; killed, it is started again and makes one.
        let pid = cluster.pid(ofDisk: disk)
        if let pid { kill(pid, SIGSTOP) }
        do {
            try FileManager.default.removeItem(atPath: cluster.path(ofDisk: disk))
        } catch {
            ledger.note("nothing left to delete: \(error)")
        }
        if let pid { kill(pid, SIGKILL) }
        impairments.replaced(disk)
    }
}
