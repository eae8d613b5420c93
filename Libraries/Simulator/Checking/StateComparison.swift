import Protocol
import ReplicatedLog
import Store

/// Compares the whole state of each group, byte for byte, with what it was at the same entry before a crash, and in
/// other replicas: what an entry does follows from the state and the entry alone, and nothing of the state is in memory
/// only.
final class StateComparison {
    private let world: World
    private let name: String
    private var digests: [LogGroupID: [LogIndex: UInt64]] = [:]

    /// - Parameter name: whose states they are.
    init(_ name: String, _ world: World) {
        self.name = name
        self.world = world
    }

    /// A replica has applied everything up to `index`: if that was looked at before, it is as it was then; otherwise it
    /// is from now on.
    func look(_ group: LogGroupID, at index: LogIndex, _ state: StoredGroup) {
        let digest = state.digest
        guard let before = digests[group]?[index] else {
            digests[group, default: [:]][index] = digest
            return
        }
        if digest != before { world.find("\(name): at entry \(index) the state of \(group) is not what it was before") }
    }

    /// The same, at entries that were looked at before.
    func lookAgain(_ group: LogGroupID, at index: LogIndex, _ state: StoredGroup) {
        if digests[group]?[index] != nil { look(group, at: index, state) }
    }
}

/// The state of a group on a machine.
struct StoredGroup {
    let store: GroupStore
    private let prefix: [UInt8]

    /// Of the group whose keys begin so.
    init(over state: any OrderedStore, prefix: [UInt8]) throws(StoreError) {
        store = try GroupStore(over: state, prefix: prefix)
        self.prefix = prefix
    }

    fileprivate var digest: UInt64 {
        let iterator = store.iterator(from: prefix, upTo: nil)
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
