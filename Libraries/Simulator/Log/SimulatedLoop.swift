/// One loop of a simulated process, for what others leave for it.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class SimulatedLoop: @unchecked Sendable {
    private let world: World
    private var works: [@Sendable () -> Void] = []
    private var isOver = false

    private static let turn: ClosedRange<UInt64> = 1_000...20_000

    init(_ world: World) { self.world = world }

    /// Lets `work` happen in the loop's next turn, in order. What comes when the process is gone happens at once: nobody
    /// sees it any more, and it lets go of what it holds.
    func submit(_ work: @escaping @Sendable () -> Void) {
        guard !isOver else { return work() }
        works.append(work)
        guard works.count == 1 else { return }
        world.after(UInt64.random(in: Self.turn, using: &world.random)) { [self] in run() }
    }

    private func run() {
        let due = works
        works.removeAll()
        for work in due where !isOver { work() }
    }

    /// The process is gone.
    func end() {
        isOver = true
        works.removeAll()
    }
}
