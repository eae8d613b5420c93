import Daemon
import EventLoop

/// Looks after the small blocks of all disks, twice a minute: repairs, tells what was found, and gets the space of
/// erased blocks back, in turns between which the disk's threads do what users want. Belongs to the loop.
final class DiskUpkeep {
    private let loop: EventLoop
    private let disks: [ServedDisk]
    /// Places of disks that are at it.
    private var busy: Set<Int> = []
    private var timer: LoopTimer?

    private static let periodNanoseconds: UInt64 = 30_000_000_000

    init(_ disks: [ServedDisk], on daemon: Daemon) {
        self.disks = disks
        loop = daemon.loop
        daemon.counters.gauge("small_block_segments_set_aside") { [disks = disks.map(\.disk)] in
            disks.reduce(0) { $0 &+ UInt64($1.segmentsSetAside) }
        }
    }

    /// Begins at once: what was found damaged when the disks were opened is repaired.
    func start() {
        timer = loop.timer(afterNanoseconds: 0, repeatingNanoseconds: Self.periodNanoseconds) { [unowned self] in
            for index in disks.indices where !busy.contains(index) { lookAfter(index) }
        }
    }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func lookAfter(_ index: Int) {
        busy.insert(index)
        disks[index].queue.run(on: loop) { [health = disks[index].health] in
            health.lookAfterSmallBlocks()
        } then: { [self] result in
            busy.remove(index)
            if timer != nil, case .success(true) = result { lookAfter(index) }
        }
    }
}
