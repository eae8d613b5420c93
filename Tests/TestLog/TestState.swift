import Consensus
import Protocol
import ReplicatedLog
import Store

/// A state machine that remembers its commands, in a store.
package final class TestState: ReplicatedState {
    package let store: any OrderedStore
    package private(set) var appliedIndex: LogIndex
    package private(set) var standing: Standing?

    private let indexKey: [UInt8]
    private let standingKey: [UInt8]
    private let commandsKey: [UInt8]

    /// - Parameter prefix: what its keys begin with.
    package init(_ store: any OrderedStore = MemoryStore(), prefix: [UInt8] = []) throws {
        self.store = store
        (indexKey, standingKey, commandsKey) = (prefix + [0], prefix + [1], prefix + [2])
        appliedIndex = try store.get(indexKey).map { try LogIndex(decoding: $0) } ?? .zero
        standing = try store.get(standingKey).map { try Standing(decoding: $0) }
    }

    package func apply(_ command: [UInt8], at index: LogIndex) throws {
        var batch = WriteBatch()
        batch.put(commandsKey + (0..<8).map { UInt8(truncatingIfNeeded: index.rawValue >> (56 - 8 * $0)) }, command)
        try advance(to: index, &batch)
    }

    package func pass(_ index: LogIndex, _ standing: Standing) throws {
        var batch = WriteBatch()
        batch.put(standingKey, try standing.encoded())
        try advance(to: index, &batch)
        self.standing = standing
    }

    private func advance(to index: LogIndex, _ batch: inout WriteBatch) throws {
        guard index == appliedIndex.next else { throw OutOfOrder(index: index, applied: appliedIndex) }
        batch.put(indexKey, try index.encoded())
        try store.write(batch, durable: false)
        appliedIndex = index
    }

    /// All that were applied, in order.
    package func appliedCommands() throws -> [[UInt8]] {
        var commands: [[UInt8]] = []
        let iterator = store.iterator(from: commandsKey, upTo: nil)
        iterator.seekToFirst()
        while iterator.isValid {
            commands.append(iterator.value)
            iterator.next()
        }
        try iterator.checkStatus()
        return commands
    }

    package struct OutOfOrder: Error {
        package let index: LogIndex
        package let applied: LogIndex
    }
}

extension LogLane {
    /// The only replica of a group that did not exist.
    package func found(
        _ group: LogGroupID, _ state: any ReplicatedState, settings: Settings = Settings()
    ) -> Replica {
        let founder = Member(slot: .first, incarnation: Incarnation(rawValue: 1))
        return open(group, founder, .born(founder), state, settings: settings)
    }
}
