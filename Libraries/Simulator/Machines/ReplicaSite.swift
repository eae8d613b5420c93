import Consensus
import Protocol
import Replicas
import ReplicatedLog

/// The processes that have replicas of the same groups: who of them is there, and what they must agree on.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class ReplicaSite: @unchecked Sendable {
    /// Processes that there are.
    let size: Int
    /// Behind the same entry, whichever process has applied it, the state is the same.
    let states: StateComparison
    /// In the order in which they began to exist.
    private(set) var groups: [LogGroupID] = []
    /// Called in every process when a group begins to exist.
    var onBegin: [Int: (LogGroupID) -> Void] = [:]
    private let world: World
    /// Which process begins a group that nobody has served yet.
    private var founders: [LogGroupID: Int] = [:]
    /// Of the processes that are up, by slot.
    private var members: [Int: Member] = [:]
    /// What stands in the groups' logs.
    private var entries: [LogGroupID: [LogIndex: Int]] = [:]

    init(_ size: Int, _ name: String, _ world: World) {
        self.size = size
        self.world = world
        states = StateComparison(name, world)
    }

    var isAlone: Bool { size == 1 }

    // MARK: Processes

    func isUp(_ member: Member) { members[Int(member.slot.rawValue)] = member }

    func isDown(_ slot: Int) { members[slot] = nil }

    /// Who is there besides a process, in the order of their slots.
    func others(than slot: Int) -> [Member] {
        (0..<size).compactMap { $0 == slot ? nil : members[$0] }
    }

    /// Who is there.
    var present: Set<Member> { Set(members.values) }

    func place(of slot: Int) -> ReplicaPlace {
        guard !isAlone else { return .founder }
        guard let number = ReplicaSlot(rawValue: UInt8(slot)) else { preconditionFailure("there is no slot \(slot)") }
        return ReplicaPlace(slot: number) { [self] in founders[$0] == slot }
    }

    // MARK: Groups

    /// A group begins to exist, with a replica in this process.
    func begin(_ group: LogGroupID, at slot: Int) {
        guard !groups.contains(group) else { return }
        groups.append(group)
        founders[group] = slot
        for slot in 0..<size { onBegin[slot]?(group) }
    }

    /// It was served: nobody may begin it anew.
    func isServed(_ group: LogGroupID) { founders[group] = nil }

    /// A replica has got an entry that is final: no other ever gets another one there.
    func delivered(_ entry: LogEntry, of group: LogGroupID, by machine: MachineID) {
        guard !isAlone else { return }
        let sum = entry.bytes.reduce(into: Int(truncatingIfNeeded: entry.term.rawValue)) { sum, byte in
            sum = (sum ^ Int(byte)) &* 0x0100_0000_01b3
        }
        guard let before = entries[group]?[entry.index] else {
            entries[group, default: [:]][entry.index] = sum
            return
        }
        if before != sum {
            world.find("\(machine) applies another entry at \(entry.index) of \(group) than was before")
        }
    }
}
