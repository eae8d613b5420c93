import Store
import TestSupport

/// What the state of a group should be: its pairs, by whole keys.
struct GroupModel {
    let prefix: [UInt8]
    var pairs: [[UInt8]: [UInt8]] = [:]

    init(_ prefix: [UInt8]) { self.prefix = prefix }

    mutating func carryOut(_ batch: WriteBatch) {
        batch.forEach { change in
            switch change {
            case .put(let key, let value): pairs[[UInt8](key)] = [UInt8](value)
            case .delete(let key): pairs[[UInt8](key)] = nil
            case .deleteRange(let lower, let upper):
                let (lower, upper) = ([UInt8](lower), [UInt8](upper))
                pairs = pairs.filter { KeyOrder.compare($0.key, lower) < 0 || KeyOrder.compare($0.key, upper) >= 0 }
            }
        }
    }

    /// As a view hands them out.
    var statePairs: [StatePair] {
        pairs.map { StatePair(key: [UInt8]($0.key.dropFirst(prefix.count)), value: $0.value) }
            .sorted { KeyOrder.compare($0.key, $1.key) < 0 }
    }

    mutating func replace(by statePairs: [StatePair]) {
        pairs = Dictionary(uniqueKeysWithValues: statePairs.map { (prefix + $0.key, $0.value) })
    }

    /// A store with the same pairs and nothing else.
    func store() throws -> MemoryStore {
        let store = MemoryStore()
        var batch = WriteBatch()
        for (key, value) in pairs { batch.put(key, value) }
        try store.write(batch, durable: false)
        return store
    }

    // Chance

    func randomRest(_ random: inout SeededGenerator) -> [UInt8] {
        let more = (0..<random.pick([0, 1, 1, 2, 3])).map { _ in random.pick([0, 0x61, 0xfe, 0xff] as [UInt8]) }
        return [random.pick([0, 0x61, 0xfd])] + more
    }

    func randomKey(_ random: inout SeededGenerator) -> [UInt8] { prefix + randomRest(&random) }

    /// A bound or a place to seek: mostly in the group, now and then anywhere.
    func randomPlace(_ random: inout SeededGenerator) -> [UInt8] {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: random.bytes(Int.random(in: 0..<3, using: &random))
        case 1: prefix
        case 2: prefix + [random.pick([0xfe, 0xff])] + random.bytes(Int.random(in: 0..<6, using: &random))
        case 3: prefix + [0xff, 0, 0, 0, 1, 0x61]
        default: randomKey(&random)
        }
    }

    func randomBatch(_ random: inout SeededGenerator) -> WriteBatch {
        var batch = WriteBatch()
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            switch Int.random(in: 0..<32, using: &random) {
            case 0..<22: batch.put(randomKey(&random), random.bytes(Int.random(in: 0..<20, using: &random)))
            case 22..<31: batch.delete(randomKey(&random))
            default:
                let (one, other) = (randomPlace(&random), randomPlace(&random))
                let isOrdered = KeyOrder.compare(one, other) < 0
                batch.deleteRange(from: isOrdered ? one : other, upTo: isOrdered ? other : one)
            }
        }
        return batch
    }

    /// Another state: few pairs, in order.
    func randomPairs(_ random: inout SeededGenerator) -> [StatePair] {
        var other = GroupModel(prefix)
        for _ in 0..<Int.random(in: 0..<30, using: &random) { other.pairs[randomKey(&random)] = random.bytes(3) }
        return other.statePairs
    }
}

extension GroupStore {
    /// Everything that a view shows, in parts of some size.
    func contents(byteCount: Int = 10) throws -> [StatePair] {
        let view = try view()
        var pairs: [StatePair] = []
        while let part = try view.next(byteCount: byteCount) { pairs += part }
        return pairs
    }
}
