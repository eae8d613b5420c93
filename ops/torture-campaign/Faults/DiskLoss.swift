import Foundation
import Protocol

/// Disks whose directories are deleted, one after the other. Each is decommissioned a little later and replaced by an
/// empty one; the next is lost when no span has a block on the one before any more.
struct DiskLoss {
    private enum Phase {
        case waiting
        case deleted(disk: Int, service: BlockServiceID, since: Double)
        case evacuating(service: BlockServiceID, since: Double, nextLook: Double)
        case done
    }

    private let plan: FaultPlan
    private var random: SeededRandom
    private var phase: Phase
    private var next: Double
    private var left: Int

    /// Longest time until no span may have a block on a lost disk any more.
    private static let evacuationSeconds = 900.0

    init(_ plan: FaultPlan, seed: UInt64) {
        self.plan = plan
        random = SeededRandom(seed: seed)
        left = plan.diskLosses
        phase = left > 0 ? .waiting : .done
        next = monotonicSeconds() + plan.secondsBetweenLosses
        plan.lost.expect(left > 0)
    }

    /// Whether no disk waits for being replaced: a block service does not start on an empty one before that.
    var isQuiet: Bool { if case .deleted = phase { false } else { true } }

    /// Does what is due.
    mutating func tick(isQuiet: Bool) {
        switch phase {
        case .waiting:
            if monotonicSeconds() > next, isQuiet { delete() }
        case .deleted(let disk, let service, let since):
            // What an operator needs to notice it.
            if monotonicSeconds() - since > 10 { replace(disk, service) }
        case .evacuating(let service, let since, let nextLook):
            if monotonicSeconds() > nextLook { look(at: service, since) }
        case .done:
            break
        }
    }

    /// Faults are over: a disk that was lost just now is not left for nobody to notice.
    mutating func end() {
        if case .deleted(let disk, let service, _) = phase { replace(disk, service) }
    }

    private mutating func delete() {
        let disk = Int.random(in: 0..<plan.cluster.disks, using: &random)
        // A mount point cannot be deleted.
        guard disk != plan.smallDisk?.disk, !plan.impairments.disks.contains(disk),
            let service = plan.cluster.service(onDisk: disk)
        else { return }
        plan.impairments.begin(disk, service, "lost")
        plan.lost.add(service)
        plan.ledger.note("delete the directory of disk \(disk), block service \(service)")
        plan.counters.add("disks lost")
        do {
            try FileManager.default.removeItem(atPath: plan.cluster.path(ofDisk: disk))
        } catch {
            // Writers may make files while the directory is being emptied; what is left is a disk with gaps.
            plan.ledger.note("not all of it: \(error)")
        }
        makeDurable(disk)
        left -= 1
        next += plan.secondsBetweenLosses
        plan.lost.expect(left > 0)
        phase = .deleted(disk: disk, service: service, since: monotonicSeconds())
    }

    private mutating func replace(_ disk: Int, _ service: BlockServiceID) {
        plan.ledger.note("decommission block service \(service)")
        do {
            try plan.view.wait { [queries = plan.view.queries] in try await queries.decommission(service) }
        } catch {
            plan.findings.add("block service \(service) could not be decommissioned: \(error)")
        }
        // Stopped, it cannot put anything on the new disk; killed, it is started again and makes one.
        let pid = plan.cluster.pid(ofDisk: disk)
        if let pid { kill(pid, SIGSTOP) }
        do {
            try FileManager.default.removeItem(atPath: plan.cluster.path(ofDisk: disk))
        } catch {
            plan.ledger.note("nothing left to delete: \(error)")
        }
        makeDurable(disk)
        if let pid {
            plan.counters.add("processes killed: block")
            kill(pid, SIGKILL)
        }
        plan.impairments.replaced(disk)
        let now = monotonicSeconds()
        phase = plan.repairs ? .evacuating(service: service, since: now, nextLook: now + 5) : .done
    }

    /// No power cut brings a lost disk back.
    private func makeDurable(_ disk: Int) {
        do {
            try plan.machineDisk?.command("sync /disks")
            guard access(plan.cluster.path(ofDisk: disk), F_OK) == 0 else { return }
            try plan.machineDisk?.command("sync /disks/\(disk)")
        } catch {
            plan.ledger.note("the loss of disk \(disk) is not durable: \(error)")
        }
    }

    private mutating func look(at service: BlockServiceID, _ since: Double) {
        let now = monotonicSeconds()
        phase = .evacuating(service: service, since: since, nextLook: now + 5)
        let files = try? plan.view.wait { [queries = plan.view.queries] in try await queries.countFiles(at: service) }
        if files == 0 {
            plan.ledger.note("block service \(service) is evacuated")
            plan.counters.add("disks evacuated")
            phase = left > 0 ? .waiting : .done
        } else if now - since > Self.evacuationSeconds {
            plan.findings.add("block service \(service) is not evacuated after \(Int(now - since)) s")
            phase = .done
            left = 0
        }
    }
}
