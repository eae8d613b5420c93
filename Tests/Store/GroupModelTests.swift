import Store
import TestSupport
import Testing

/// Random operations on groups that share a store, replacing, removal and views among them: every answer must be that
/// of a model, whatever goes on in the other groups.
@Suite(.timeLimit(.minutes(2)))
struct GroupModelTests {
    /// The prefixes of groups in one store: one that has it all, several, and such as end in the highest byte.
    static let prefixes: [[[UInt8]]] = [
        [[]], [[7], [8]], [[0xfe], [0xff]], [[1, 0xff], [1, 0xfe, 2], [0xff, 0xff]],
    ]

    @Test(arguments: 1...12 as ClosedRange<UInt64>, prefixes)
    func inMemory(seed: UInt64, prefixes: [[UInt8]]) throws {
        try run(MemoryStore(writeAheadLog: false), seed, prefixes, steps: 400)
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>, prefixes)
    func inRocksDB(seed: UInt64, prefixes: [[UInt8]]) throws {
        let directory = try TemporaryDirectory("store", inMemory: true)
        let options = RocksOptions(writeAheadLog: false, memoryBudgetBytes: 4 << 20)
        let models = try run(RocksStore(directory: directory.path, options: options), seed, prefixes, steps: 300)
        let store = try RocksStore(directory: directory.path, options: options)
        for model in models {
            #expect(try GroupStore(over: store, prefix: model.prefix).contents() == model.statePairs)
        }
    }

    @discardableResult
    private func run(
        _ base: any OrderedStore, _ seed: UInt64, _ prefixes: [[UInt8]], steps: Int
    ) throws -> [GroupModel] {
        var random = SeededGenerator(seed: seed)
        var world = try GroupWorld(base, prefixes)
        for step in 1...steps {
            try world.step(&random)
            if step % 5 == 0 { try world.compare(&random) }
            if step % 61 == 0 { try base.flush() }
            if step % 97 == 0 { try world.reopen(world.models) }
            if step % 131 == 0 { try world.clean() }
        }
        try world.clean()
        try world.compare(&random)
        try base.close()
        return world.models
    }
}
