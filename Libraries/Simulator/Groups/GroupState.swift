import Consensus
import Protocol
import ReplicatedLog
import Store

/// The state machine of a simulated group: a few registers, and a sum over all commands in their order.
final class GroupState: ReplicatedState {
    /// A register is set to a value that is never used twice.
    struct Command: Equatable {
        let key: UInt8
        let value: UInt64

        var bytes: [UInt8] { [key] + (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }

        init(key: UInt8, value: UInt64) {
            self.key = key
            self.value = value
        }

        init(_ bytes: [UInt8]) {
            key = bytes[0]
            value = bytes[1...].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    /// Called with each entry that it has applied: its command, if it was one of its own, and the sum behind it.
    typealias Watch = (_ command: [UInt8]?, _ index: LogIndex, _ sum: UInt64) -> Void

    private let store: any OrderedStore
    private let prefix: [UInt8]
    private let watch: Watch
    private(set) var appliedIndex: LogIndex
    private(set) var standing: Standing?
    /// Over all commands applied, in their order.
    private(set) var sum: UInt64

    init(_ store: any OrderedStore, _ group: LogGroupID, watch: @escaping Watch) throws {
        self.store = store
        self.watch = watch
        prefix = Self.prefix(of: group)
        appliedIndex = try store.get(prefix + [0]).map { try LogIndex(decoding: $0) } ?? .zero
        sum = try store.get(prefix + [1]).map { try UInt64(decoding: $0) } ?? 0
        standing = try store.get(prefix + [2]).map { try Standing(decoding: $0) }
    }

    static func prefix(of group: LogGroupID) -> [UInt8] { [UInt8(truncatingIfNeeded: group.rawValue)] }

    func apply(_ bytes: [UInt8], at index: LogIndex) throws {
        var batch = WriteBatch()
        sum = Self.sum(sum, bytes)
        batch.put(prefix + [1], try sum.encoded())
        batch.put(prefix + [3, bytes[0]], Array(bytes[1...]))
        try advance(to: index, &batch)
        watch(bytes, index, sum)
    }

    func pass(_ index: LogIndex, _ standing: Standing) throws {
        var batch = WriteBatch()
        self.standing = standing
        batch.put(prefix + [2], try standing.encoded())
        try advance(to: index, &batch)
        watch(nil, index, sum)
    }

    private func advance(to index: LogIndex, _ batch: inout WriteBatch) throws {
        guard index == appliedIndex.next else { throw LogError.corruption("\(index) comes after \(appliedIndex)") }
        batch.put(prefix + [0], try index.encoded())
        try store.write(batch, durable: false)
        appliedIndex = index
    }

    /// What a register was set to last; 0 if it never was.
    func value(of key: UInt8) throws -> UInt64 {
        try store.get(prefix + [3, key]).map { bytes in bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } } ?? 0
    }

    static func sum(_ before: UInt64, _ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(before &* 0x9e37_79b9_7f4a_7c15 &+ 1) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }
}
