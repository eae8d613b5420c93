import Protocol
import ReplicatedLog

/// Somebody who sets and reads registers of groups, one after the other, at whichever process works.
final class GroupClient {
    private unowned let simulation: GroupSimulation
    private let world: World
    private let number: UInt64
    private var process = 0
    private var count: UInt64 = 0
    private(set) var succeeded = 0
    private(set) var failed = 0

    private static let patience: UInt64 = 2_000_000_000

    init(_ number: Int, _ simulation: GroupSimulation) {
        self.number = UInt64(number)
        self.simulation = simulation
        world = simulation.world
    }

    func start() { next(after: 1_000_000...100_000_000) }

    private func next(after pause: ClosedRange<UInt64>) {
        world.after(world.random.spread(pause)) { [self] in
            if !simulation.isOver { act() }
        }
    }

    private func act() {
        let options = simulation.options
        let group = LogGroupID(rawValue: UInt32.random(in: 0..<UInt32(options.groups), using: &world.random))
        let key = UInt8.random(in: 0..<UInt8(options.keys), using: &world.random)
        // Now and then somebody is asked who is not known to lead: it may think that it does.
        if world.random.perMille(100) { process = Int.random(in: 0..<options.processes, using: &world.random) }
        let start = simulation.judge.seen(in: group)
        let turn = Turn(self)
        world.after(Self.patience) { turn.end(false) }
        if world.random.perMille(500) {
            simulation.machines[process].read(key, in: group) { [self] answer in
                guard turn.end(answer != nil), let answer else { return }
                simulation.judge.read(answer.value, of: key, at: answer.index, since: start, in: group)
            }
        } else {
            count += 1
            let command = GroupState.Command(key: key, value: number << 32 | count)
            let machine = simulation.machines[process]
            machine.propose(command, in: group) { [self] index in
                guard turn.end(index != nil), let index else { return }
                simulation.judge.acknowledged(command, at: index, in: group)
            }
        }
    }

    /// One operation, which ends once.
    private final class Turn {
        private let client: GroupClient
        private var isOver = false

        init(_ client: GroupClient) { self.client = client }

        @discardableResult
        func end(_ hasSucceeded: Bool) -> Bool {
            guard !isOver else { return false }
            isOver = true
            client.ended(hasSucceeded)
            return true
        }
    }

    private func ended(_ hasSucceeded: Bool) {
        if hasSucceeded {
            succeeded += 1
            return next(after: 100_000...20_000_000)
        }
        failed += 1
        process = Int.random(in: 0..<simulation.options.processes, using: &world.random)
        next(after: 1_000_000...100_000_000)
    }
}
