import GarbageCollection
import Protocol
import TestSupport
import Testing

/// Nothing that a policy protects is ever removed, whatever the history; and retention is not idle.
@Suite struct RetentionPropertyTests {
    private struct Case {
        var edges: [SnapshotEdge]
        var current: UInt64?
        var now: UInt64
        var minimumAge: UInt64
        var deleteAfter: UInt64?
        var versions: Int?
    }

    @Test(arguments: 0..<8) func protectedEdgesStay(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var removed = 0
        for _ in 0..<5_000 {
            let example = Self.example(&random)
            let count = try Self.removable(example)
            removed += count
            for index in 0..<count where Self.isProtected(index, example, removing: count) {
                Issue.record("edge \(index) of \(example)")
            }
        }
        #expect(removed > 1_000)
    }

    @Test(arguments: 0..<4) func removingTwiceRemovesNoMoreThanOnce(seed: UInt64) throws {
        var random = SeededGenerator(seed: 1_000 + seed)
        for _ in 0..<5_000 {
            var example = Self.example(&random)
            example.edges.removeFirst(try Self.removable(example))
            #expect(try Self.removable(example) == 0, "\(example)")
        }
    }

    /// What retention must never take, said without looking at how it works.
    private static func isProtected(_ index: Int, _ example: Case, removing count: Int) -> Bool {
        let edge = example.edges[index]
        let age = example.now - edge.creationTime.nanoseconds
        if age <= example.minimumAge { return true }
        // A deletion of nothing that is still remembered protects nobody.
        if edge.isDeletion { return index >= count }
        let byTime = example.deleteAfter.map { isNeeded(index, within: $0, example) } ?? true
        let later = example.edges[(index + 1)...].filter { !$0.isDeletion }.count
        let byVersions = example.versions.map { later < $0 } ?? true
        return byTime && byVersions
    }

    /// Whether the name meant this file at some time within the last `period`.
    private static func isNeeded(_ index: Int, within period: UInt64, _ example: Case) -> Bool {
        let edge = example.edges[index]
        if example.now - edge.creationTime.nanoseconds <= period { return true }
        let end = index + 1 < example.edges.count ? example.edges[index + 1].creationTime.nanoseconds : example.current
        guard let end else { return edge.isOwned }
        return example.now - end <= period
    }

    private static func removable(_ example: Case) throws -> Int {
        let policy = SnapshotPolicy(
            deleteAfterTime: DeleteAfterTime(nanoseconds: example.deleteAfter),
            deleteAfterVersions: DeleteAfterVersions(versions: example.versions.map(UInt16.init)))
        return try SnapshotRetention(policy: policy, minimumAgeNanoseconds: example.minimumAge).removableCount(
            of: example.edges, current: example.current.map(Timestamp.init(nanoseconds:)),
            at: Timestamp(nanoseconds: example.now))
    }

    private static func example(_ random: inout SeededGenerator) -> Case {
        var time: UInt64 = 1
        var edges: [SnapshotEdge] = []
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            time += UInt64.random(in: 1...20, using: &random)
            let kind = Int.random(in: 0..<3, using: &random)
            // Two removals in a row do not happen.
            let isDeletion = kind == 0 && edges.last?.isDeletion != true
            edges.append(
                SnapshotEdge(
                    creationTime: Timestamp(nanoseconds: time), isOwned: !isDeletion && kind == 1,
                    isDeletion: isDeletion))
        }
        var current: UInt64?
        if Bool.random(using: &random) {
            time += UInt64.random(in: 1...20, using: &random)
            current = time
        }
        return Case(
            edges: edges, current: current, now: time + UInt64.random(in: 0...60, using: &random),
            minimumAge: UInt64.random(in: 0...10, using: &random),
            deleteAfter: Bool.random(using: &random) ? UInt64.random(in: 0...80, using: &random) : nil,
            versions: Bool.random(using: &random) ? Int.random(in: 0...5, using: &random) : nil)
    }
}
