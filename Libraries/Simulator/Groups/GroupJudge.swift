import Consensus
import Protocol
import ReplicatedLog

/// Knows what every replica of every group has applied and what clients were told, and says what must not be.
final class GroupJudge {
    /// What stands in a group's log as far as anybody has applied it.
    private struct History {
        /// By index from 1 on; nil is none of the state machine's.
        var commands: [[UInt8]?] = []
        /// The sum of the state behind each index.
        var sums: [UInt64] = []
        /// The last entry whose effect a client has seen.
        var seen = LogIndex.zero
    }

    private let world: World
    private var histories: [LogGroupID: History] = [:]

    init(_ world: World) { self.world = world }

    /// appliesTheSame: no two replicas have different entries at an index, and their states are the same behind it.
    func applied(_ command: [UInt8]?, at index: LogIndex, _ sum: UInt64, of group: LogGroupID, by process: Int) {
        let place = Int(clamping: index.rawValue) - 1
        let count = histories[group, default: History()].commands.count
        guard place < count else {
            if place > count { world.find("process \(process) applies entry \(index) of \(group) after \(count)") }
            histories[group, default: History()].commands.append(command)
            histories[group, default: History()].sums.append(sum)
            return
        }
        guard histories[group]?.commands[place] == command, histories[group]?.sums[place] == sum else {
            return world.find(
                "process \(process) applies another entry at \(index) of \(group) than was applied before")
        }
    }

    /// snapshotsAreTheSame: a state that came as a whole is what others had behind that entry.
    func installed(_ index: LogIndex, _ sum: UInt64, of group: LogGroupID, by process: Int) {
        let (sums, place) = (histories[group]?.sums ?? [], Int(clamping: index.rawValue) - 1)
        if !sums.indices.contains(place) || sums[place] != sum {
            world.find("process \(process) gets a state of \(group) as of \(index) that nobody had")
        }
    }

    /// What every read that begins now has to contain.
    func seen(in group: LogGroupID) -> LogIndex { histories[group]?.seen ?? .zero }

    /// acknowledgedIsDone: a client was told that its command, at `index`, is carried out.
    func acknowledged(_ command: GroupState.Command, at index: LogIndex, in group: LogGroupID) {
        let place = Int(clamping: index.rawValue) - 1
        let commands = histories[group]?.commands ?? []
        if !commands.indices.contains(place) || commands[place] != command.bytes {
            world.find("a client is told that its command is at \(index) of \(group), where another one is")
        }
        see(index, in: group)
    }

    /// readsAreCurrent: a client was told what a register holds in a state that has applied `index`.
    func read(_ value: UInt64, of key: UInt8, at index: LogIndex, since start: LogIndex, in group: LogGroupID) {
        if index < start {
            world.find("a read of \(group) is answered as of \(index), and somebody saw \(start) before it began")
        }
        let commands = histories[group]?.commands.prefix(Int(clamping: index.rawValue)) ?? []
        let last = commands.last { $0?.first == key } ?? nil
        if last.map({ GroupState.Command($0).value }) ?? 0 != value {
            world.find("a read of register \(key) of \(group) as of \(index) is answered with \(value)")
        }
        see(index, in: group)
    }

    /// nothingSeenIsLost: a replica that has everything has all that anybody was told of.
    func rests(at index: LogIndex, in group: LogGroupID, _ process: Int) {
        if index < seen(in: group) {
            world.find("process \(process) ends at \(index) of \(group), and clients saw \(seen(in: group))")
        }
    }

    private func see(_ index: LogIndex, in group: LogGroupID) {
        histories[group, default: History()].seen = max(seen(in: group), index)
    }
}
