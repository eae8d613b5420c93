import Consensus
import Protocol
import TestSupport
import Testing

/// What replicas keep comes back, with its version before it.
@Suite(.timeLimit(.minutes(1)))
struct RecordTests {
    private func expectBack<Value: ReplicaRecord & Equatable>(_ value: Value, _ seed: UInt64) throws {
        let bytes = try value.record()
        #expect(bytes.first == 1)
        #expect(try Value(record: bytes) == value, "seed \(seed)")
        #expect(throws: DecodeError.unknownVersion) { try Value(record: [2] + bytes.dropFirst()) }
        #expect(throws: DecodeError.surplus) { try Value(record: bytes + [0]) }
        for count in bytes.indices {
            #expect(throws: DecodeError.truncated, "seed \(seed)") { try Value(record: Array(bytes[..<count])) }
        }
    }

    @Test func allComeBack() throws {
        for seed in UInt64(0)..<200 {
            var generator = MessageGenerator(seed: seed)
            try expectBack(generator.configuration(), seed)
            try expectBack(generator.base(), seed)
            let vote = generator.random.chance(50) ? generator.member() : nil
            try expectBack(HardState(term: generator.term(), vote: vote, doubt: generator.nonce()), seed)
        }
        try expectBack(SnapshotBase.nothing, 0)
        try expectBack(HardState(), 0)
    }

    @Test func damagedOnesAreRefusedOrUnderstood() throws {
        var random = SeededGenerator(seed: 1)
        for seed in UInt64(0)..<300 {
            var generator = MessageGenerator(seed: seed)
            var bytes = try generator.base().record()
            bytes[Int.random(in: bytes.indices, using: &random)] = random.pick([0, 1, 3, 0x20, 0xff])
            guard let base = try? SnapshotBase(record: bytes) else { continue }
            #expect(try SnapshotBase(record: base.record()) == base, "seed \(seed)")
            #expect(base.position.index <= .limit && base.position.term <= .limit)
        }
    }
}
