import BlockStore
import Foundation
import Protocol
import Synchronization

/// The small blocks of all disks. Thread-safe.
final class SmallBlockView: Sendable {
    private let cluster: TortureCluster
    private let disks = Mutex<[Int: (service: BlockServiceID, segments: SmallBlockSegments)]>([:])

    init(_ cluster: TortureCluster) { self.cluster = cluster }

    /// Where the copies of a block lie now, the last one last.
    func places(of block: BlockID, onDisk disk: Int) -> [SmallBlockPlace] {
        looking(at: disk) { $0.places(of: block) } ?? []
    }

    /// Blocks whose erasure is not known, with the service that has them.
    func blocks(onDisk disk: Int) -> [BlockID] { looking(at: disk) { $0.blocks } ?? [] }

    /// What was read of a disk, or all of them, may have been lost in a power cut.
    func forget(_ disk: Int? = nil) {
        disks.withLock { disks in
            if let disk { disks[disk] = nil } else { disks = [:] }
        }
    }

    /// nil when there is no disk.
    private func looking<R>(at disk: Int, _ body: (SmallBlockSegments) -> R) -> R? {
        guard let service = cluster.service(onDisk: disk), let key = cluster.key(ofDisk: disk) else { return nil }
        let path = cluster.path(ofDisk: disk)
        return disks.withLock { disks in
            // A disk that was replaced begins anew.
            var known = disks[disk].flatMap { $0.service == service ? $0.segments : nil }
                ?? SmallBlockSegments(disk: path, key: key)
            known.refresh()
            disks[disk] = (service, known)
            return body(known)
        }
    }
}
