import BlockRepair
import Client
import Protocol
import Synchronization

/// Replaces damaged blocks for scrubbing. Thread-safe.
final class DamageReplacement: Sendable {
    private let repair: FileRepair<LiveRepairCluster>
    private let underWay = Mutex(0)

    init(_ repair: FileRepair<LiveRepairCluster>) {
        self.repair = repair
    }

    /// Looks at one span only, however many the file has: its other damages have their own turn.
    ///
    /// A disk with some damaged blocks may be well otherwise, so in need new ones go there again.
    func replace(_ blocks: Set<BlockID>, of file: InodeID, spanAt: UInt64) async throws(ClientError) {
        underWay.withLock { $0 += 1 }
        defer { underWay.withLock { $0 -= 1 } }
        let outcome = await repair.repair(file, spanAt: spanAt, mayStay: true) {
            blocks.contains($0.block) ? .rebuild : .keep
        }
        if let failure = outcome.failures.first {
            throw ClientError(.tooManyBlocksMissing, "repair", "\(failure)")
        }
    }

    /// Lets what was replaced be erased soon, unless more is to come.
    func release() async {
        guard underWay.withLock({ $0 == 0 }) else { return }
        await repair.releaseScratchFiles()
    }
}
