import Protocol
import ReplicatedLog
import Store

/// Compares the whole state of each group of a machine, byte for byte, with what it was at the same entry before a
/// crash: what an entry does follows from the state and the entry alone, and nothing of the state is in memory only.
final class StateComparison {
    private let world: World
    private let machine: MachineID
    private let store: MemoryStore
    private var kept: [LogGroupID: (index: LogIndex, digest: UInt64)] = [:]

    init(_ machine: MachineID, _ store: MemoryStore, _ world: World) {
        self.world = world
        self.machine = machine
        self.store = store
    }

    /// A process ends, with everything up to `index` applied.
    /// - Parameter keys: that begin with this byte are the group's; nil: all are.
    func keep(_ group: LogGroupID, at index: LogIndex, keys: UInt8? = nil) { kept[group] = (index, digest(keys)) }

    /// Another process has applied everything up to `index`.
    func compare(_ group: LogGroupID, at index: LogIndex, keys: UInt8? = nil) {
        guard let before = kept[group], before.index == index else { return }
        kept[group] = nil
        guard digest(keys) != before.digest else { return }
        world.find("\(machine): at entry \(index) the state of \(group) is not what it was before the crash")
    }

    private func digest(_ first: UInt8?) -> UInt64 {
        let upper = first.flatMap { $0 == .max ? nil : [$0 + 1] }
        let iterator = store.iterator(from: first.map { [$0] } ?? [], upTo: upper)
        var digest: UInt64 = 0
        func add(_ bytes: [UInt8]) {
            digest = (digest ^ UInt64(bytes.count)) &* 0x9e37_79b9_7f4a_7c15
            for byte in bytes { digest = (digest ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        }
        iterator.seekToFirst()
        while iterator.isValid {
            add(iterator.key)
            add(iterator.value)
            iterator.next()
        }
        return digest
    }
}
