import ReplicatedLog

/// Calls a log's writer in virtual time: as a thread would, with the time between a write and its sync that the disk
/// takes.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class SimulatedWriter: WriterThread, @unchecked Sendable {
    private let world: World
    private let disk: SimulatedDisk
    private var piece: (@Sendable () -> WriterRest)?
    private var isResting = false
    /// Counts the rests; what would end an earlier one comes too late.
    private var rest = 0

    /// Until a thread that is woken runs, nanoseconds.
    private static let waking: ClosedRange<UInt64> = 1_000...20_000

    init(_ world: World, _ disk: SimulatedDisk) {
        self.world = world
        self.disk = disk
    }

    func start(_ piece: @escaping @Sendable () -> WriterRest) {
        self.piece = piece
        goOn(after: UInt64.random(in: Self.waking, using: &world.random))
    }

    func wake() {
        guard isResting else { return }
        goOn(after: UInt64.random(in: Self.waking, using: &world.random))
    }

    /// Runs what is left at once.
    func join() {
        rest += 1
        while let piece {
            switch piece() {
            case .notAtAll: break
            case .forGood: self.piece = nil
            case .untilWoken, .atMost:
                world.find("a log's writer rests although its log is to be closed")
                self.piece = nil
            }
        }
    }

    private func goOn(after delay: UInt64) {
        isResting = false
        rest += 1
        let mine = rest
        world.after(delay) { [self] in
            if rest == mine { run() }
        }
    }

    private func run() {
        while let piece {
            switch piece() {
            case .notAtAll:
                if disk.isBusy { return goOn(after: world.random.spread(disk.syncTime)) }
            case .untilWoken:
                isResting = true
                return
            case .atMost(let nanoseconds):
                goOn(after: nanoseconds)
                isResting = true
                return
            case .forGood: self.piece = nil
            }
        }
    }
}
