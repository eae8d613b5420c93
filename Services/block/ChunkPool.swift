import BlockStore
import Synchronization

/// Page buffers for the threads of all disks: as many exist as steps have run at the same time.
final class ChunkPool: Sendable {
    private let idle = Mutex<[PageChunk]>([])

    func take() -> PageChunk {
        idle.withLock { $0.popLast() } ?? PageChunk()
    }

    func giveBack(_ chunk: PageChunk) {
        idle.withLock { $0.append(chunk) }
    }
}
