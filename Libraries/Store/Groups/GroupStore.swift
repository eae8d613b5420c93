import Mutations
import Synchronization

/// The state of one group in a store that it may share with others, so that the whole of it can be looked at
/// (`view()`) and replaced by another one at once (`beginReplacing()`).
///
/// All keys begin with the group's prefix and go on with a byte below 0xfe; other keys are refused. No prefix in a store
/// may be the beginning of another, and a group has one `GroupStore` at a time, or a switch would go unseen.
///
/// Flushing, checkpoints and closing concern the whole store, whoever else is in it.
public final class GroupStore: OrderedStore {
    /// What replacing keeps in mind; lost with the process.
    struct Replacing {
        /// The newest generation that was begun. None is begun twice.
        var newest: UInt32
        /// The one that is being built.
        var built: UInt32?
        /// No key before this one is outdated; nil: no key at all is.
        var outdated: [UInt8]?
    }

    let base: any OrderedStore
    let group: GroupKeys
    private let original: GenerationKeys
    /// It only ever grows, by `switchTo`.
    let current: Atomic<UInt32>
    let replacing: Mutex<Replacing>

    var prefix: [UInt8] { group.prefix }

    /// - Throws: `.corruption`, when the record of the current generation is unreadable.
    public init(over base: any OrderedStore, prefix: [UInt8]) throws(StoreError) {
        self.base = base
        group = GroupKeys(prefix: prefix)
        original = GenerationKeys(group, 0)
        let generation = try GenerationPointer.generation(from: try base.get(group.pointer))
        current = Atomic(generation)
        replacing = Mutex(Replacing(newest: generation, outdated: prefix))
    }

    var currentKeys: GenerationKeys {
        let number = current.load(ordering: .acquiring)
        return number == 0 ? original : GenerationKeys(group, number)
    }

    // Another thread may switch at any time and have the former generation removed. What was found was there when the
    // call began; what was not is looked for again, if there has been a switch.

    public func read(
        _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(StoreError) -> Bool {
        guard group.holds(key) else { throw .notOfTheState }
        while true {
            let number = current.load(ordering: .acquiring)
            let isFound = number == 0 ? try base.read(key, body) : try read(key, in: number, body)
            if isFound || isCurrent(number) { return isFound }
        }
    }

    private func isCurrent(_ generation: UInt32) -> Bool {
        generation == current.load(ordering: .acquiring) || Mutation.readsMissTheSwitch.isPlanted
    }

    private func read(
        _ key: UnsafeRawBufferPointer, in generation: UInt32, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(StoreError) -> Bool {
        try group.stored(group.rest(of: key), in: generation).withBytes { (stored) throws(StoreError) in
            try base.read(stored, body)
        }
    }

    public func iterator(from lower: [UInt8], upTo upper: [UInt8]?) -> any StoreIterator {
        while true {
            let keys = currentKeys
            let end = Mutation.outdatedKeysAreRead.isPlanted ? nil : keys.end
            let cursor = base.iterator(from: keys.bound(lower), upTo: upper.map(keys.bound) ?? end)
            if isCurrent(keys.number) {
                return keys.number == 0 ? cursor : GenerationIterator(cursor, keys)
            }
        }
    }

    /// A write that meets a switch counts as made before it.
    public func write(_ batch: WriteBatch, durable: Bool) throws(StoreError) {
        try base.write(try currentKeys.stored(batch), durable: durable)
    }

    public func flush() throws(StoreError) { try base.flush() }
    public func checkpoint(at path: String) throws(StoreError) { try base.checkpoint(at: path) }
    public func close() throws(StoreError) { try base.close() }

    /// The group's state as it is now.
    public func view() throws(StoreError) -> StateView { try StateView(of: self) }
}
