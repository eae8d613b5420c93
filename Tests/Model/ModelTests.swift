import Protocol
import ReferenceModel
import TestSupport
import Testing

/// Random scripts on the model and on the real cores.
@Suite("The cores against the reference model", .timeLimit(.minutes(3)))
struct ModelTests {
    @Test("random scripts", arguments: 1...120 as ClosedRange<UInt64>)
    func randomScripts(seed: UInt64) throws {
        var generator = OperationGenerator(SeededGenerator(seed: seed))
        if let failure = try ModelRun.report(generator.script(300)) {
            Issue.record("seed \(seed), \(failure.text)")
        }
    }

    @Test("the scripts get everywhere: every kind of request is carried out, and refused for every reason there is")
    func coverage() throws {
        var answers: [String: Int] = [:]
        for seed in 1...200 as ClosedRange<UInt64> {
            var generator = OperationGenerator(SeededGenerator(seed: seed))
            let run = try ModelRun()
            #expect(try run.firstDifference(generator.script(400)) == nil)
            answers.merge(run.answers, uniquingKeysWith: +)
        }
        let carriedOut = answers.filter { !$0.key.contains(" ") && $0.value >= 10 }
        #expect(carriedOut.count == 22, "\(answers)")
        let reasons = Set(answers.keys.compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) })
        let wanted: [ProtocolError] = [
            .attributeExists, .attributeNotFound, .attributesTooLarge, .badName, .badShard, .badSpanBody,
            .cannotOverrideName,
            .cannotRemoveRootDirectory, .deadlineNotPassed,
            .directoryHasOwner, .directoryNotEmpty, .directoryNotFound, .edgeIsLocked, .edgeNotFound, .edgeNotOwned,
            .fileEmpty, .fileIsNotTransient, .fileNotEmpty, .fileNotFound, .loopInDirectoryRename,
            .mismatchingCreationTime, .mismatchingTarget, .nameIsLocked, .newDirectoryNotFound, .oldDirectoryNotFound,
            .sameDirectories, .sameSourceAndDestination, .typeIsDirectory, .typeIsNotDirectory,
        ]
        #expect(Set(wanted.map(\.description)).subtracting(reasons) == [])
    }

    // A disagreement that was put there has to be found, and told in a few steps. Shrinking promises no fewer than that
    // no single step of what is left can go.

    static let plants: [(kind: String, steps: Int)] = [
        ("link", 2), ("publish", 2), ("unlink", 3), ("rename", 3), ("resurrect", 5), ("lock", 4),
        ("hardUnlink", 6), ("forget", 6), ("makeDirectory", 2), ("removeDirectory", 3), ("move", 5), ("replace", 5),
        ("setInfo", 2),
        ("setAttributes", 2),
        ("hardUnlinkDirectory", 4),
    ]

    @Test("a model that forgets what one kind of request does is found out in a few steps", arguments: plants)
    func planted(kind: String, steps: Int) throws {
        let failure = try #require(try plant { $0.kind == kind })
        #expect(failure.script.count <= steps, "\(failure.text)")
        // The report is a script that can be pasted: it says the same when it is run again.
        #expect(failure.text.hasSuffix(failure.script.asSource))
        #expect(try ModelRun.firstDifference(failure.script) { $0.kind == kind } != nil)
        #expect(try ModelRun.firstDifference(failure.script) == nil)
    }

    private func plant(
        _ forgetting: @escaping (NamespaceRequest) -> Bool
    ) throws -> (script: [ModelOperation], text: String)? {
        for seed in 1...20 as ClosedRange<UInt64> {
            var generator = OperationGenerator(SeededGenerator(seed: seed))
            if let failure = try ModelRun.report(generator.script(400), forgetting: forgetting) { return failure }
        }
        return nil
    }

    /// What shards may answer wrongly about attributes.
    static let distortions: [@Sendable (inout StatAttributesResponse) -> Void] = [
        { $0.kind = .none },
        { $0.device = 0 },
        { $0.holes = 0 },
        { $0.ownership.mode = InodeOwnership.defaultMode },
        { $0.userMtime = $0.mtime },
        { if $0.id.isDirectory { $0.atime = $0.mtime } },
        { $0.ctime = $0.mtime },
        { $0.ctime = Timestamp(nanoseconds: $0.ctime.nanoseconds & ~0xffff_ffff_ffff) },
    ]

    @Test("a wrong answer about attributes is found out", arguments: distortions.indices)
    func distorted(index: Int) throws {
        let isFound = try (1...20 as ClosedRange<UInt64>).contains { seed in
            var generator = OperationGenerator(SeededGenerator(seed: seed))
            return try ModelRun(distortion: Self.distortions[index]).firstDifference(generator.script(400)) != nil
        }
        #expect(isFound)
    }

    @Test("shrinking leaves what matters, in order")
    func shrinking() {
        let script = Array(1...100)
        #expect(Shrinker.shrink(script) { $0.contains(17) && $0.contains(60) } == [17, 60])
        #expect(Shrinker.shrink(script) { !$0.isEmpty }.count == 1)
        #expect(Shrinker.shrink(script) { $0.count >= 10 }.count == 10)
        let halved = Shrinker.shrink([8, 3, 8], rewrites: [{ $0.map { $0 == 8 ? 4 : $0 } }]) { $0.contains { $0 > 3 } }
        #expect(halved == [4])
    }
}
