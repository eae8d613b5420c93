import Protocol
import ShardCore
import Testing

/// Random histories, carried out by the shard and by a model of it side by side (metadata.md G.1).
@Suite("Shard against its model")
struct ModelTests {
    @Test("random histories of names", arguments: 1...24 as ClosedRange<UInt64>)
    func randomHistories(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let steps = (0..<150).map { _ in ModelStep(&random) }
        guard try Self.firstDifference(steps) != nil else { return }
        let fewest = try Self.shrunk(steps)
        let difference = try Self.firstDifference(fewest) ?? "it is gone"
        Issue.record("seed \(seed), after \(fewest): \(difference)")
    }

    @Test("a model that forgets unlinks is found out, by two steps after shrinking")
    func modelCanFail() throws {
        var random = SplitMix(seed: 3)
        let steps = (0..<150).map { _ in ModelStep(&random) }
        #expect(try Self.firstDifference(steps, forgetting: .unlink) != nil)
        // Nothing can be unlinked that was not made.
        let fewest = try Self.shrunk(steps, forgetting: .unlink)
        #expect(fewest.map(\.kind) == [.makeFile, .unlink])
    }

    /// Where shard and model part; nil when they do not.
    private static func firstDifference(_ steps: [ModelStep], forgetting kind: ModelStep.Kind? = nil) throws -> String?
    {
        let run = try ModelRun()
        for (index, step) in steps.enumerated() {
            if let difference = try run.carryOut(step, forgetting: step.kind == kind) {
                return "step \(index), \(step): \(difference)"
            }
        }
        return nil
    }

    /// Leaves out whatever is not needed for shard and model to part.
    private static func shrunk(_ steps: [ModelStep], forgetting kind: ModelStep.Kind? = nil) throws -> [ModelStep] {
        var steps = steps
        var size = steps.count / 2
        while size > 0 {
            var start = 0
            while start < steps.count {
                var fewer = steps
                fewer.removeSubrange(start..<min(start + size, steps.count))
                if try firstDifference(fewer, forgetting: kind) != nil { steps = fewer } else { start += size }
            }
            size /= 2
        }
        return steps
    }
}

/// One step in numbers, whose meaning depends on what is there when its turn comes: leaving out others keeps it
/// meaningful.
struct ModelStep {
    enum Kind: CaseIterable {
        case makeFile, makeFileAgain, unlink, rename, resurrect, lock, unlock, forget, hardUnlink, removeFile
        case makeDirectory, wait
    }

    var kind: Kind
    var directory: Int
    var name: Int
    var other: Int
    /// Whether the request is meant to be right, or has a wrong time or target.
    var isWrong: Bool
    var isTwice: Bool

    init(_ random: inout SplitMix) {
        kind = random.pick(Kind.allCases + [.makeFile, .makeFile, .unlink, .rename])
        directory = Int.random(in: 0..<4, using: &random)
        name = Int.random(in: 0..<6, using: &random)
        other = Int.random(in: 0..<6, using: &random)
        isWrong = random.chance(10)
        isTwice = random.chance(20)
    }
}
