import GarbageCollection
import Protocol
import Testing

/// The test vectors of services.md D.2, and the edges around them.
@Suite struct SnapshotRetentionTests {
    private static let day: UInt64 = 86_400 * 1_000_000_000
    private static let hour: UInt64 = 3_600 * 1_000_000_000
    private static let now = Timestamp(nanoseconds: 1_000 * day)

    private static func ago(_ nanoseconds: UInt64) -> Timestamp {
        Timestamp(nanoseconds: now.nanoseconds - nanoseconds)
    }

    private func owned(_ age: UInt64) -> SnapshotEdge {
        SnapshotEdge(creationTime: Self.ago(age), isOwned: true, isDeletion: false)
    }

    private func reference(_ age: UInt64) -> SnapshotEdge {
        SnapshotEdge(creationTime: Self.ago(age), isOwned: false, isDeletion: false)
    }

    private func deletion(_ age: UInt64) -> SnapshotEdge {
        SnapshotEdge(creationTime: Self.ago(age), isOwned: false, isDeletion: true)
    }

    private func removable(
        _ edges: [SnapshotEdge], current: UInt64? = nil, days: UInt64? = nil, versions: UInt16? = nil
    ) throws -> Int {
        let policy = SnapshotPolicy(
            deleteAfterTime: DeleteAfterTime(nanoseconds: days.map { $0 * Self.day }),
            deleteAfterVersions: DeleteAfterVersions(versions: versions))
        return try SnapshotRetention(policy: policy, minimumAgeNanoseconds: Self.hour)
            .removableCount(of: edges, current: current.map { Self.ago($0) }, at: Self.now)
    }

    @Test func aFileDeletedYesterdayStays() throws {
        #expect(try removable([owned(90 * Self.day), deletion(Self.day)], days: 30) == 0)
    }

    @Test func aFileDeletedLongAgoGoesWithItsDeletion() throws {
        #expect(try removable([owned(90 * Self.day), deletion(31 * Self.day)], days: 30) == 2)
    }

    @Test func aFileOverriddenLongAgoGoes() throws {
        #expect(try removable([owned(90 * Self.day)], current: 31 * Self.day, days: 30) == 1)
        #expect(try removable([owned(90 * Self.day), owned(31 * Self.day)], current: Self.day, days: 30) == 1)
    }

    @Test func aFileOverriddenYesterdayStays() throws {
        #expect(try removable([owned(90 * Self.day)], current: Self.day, days: 30) == 0)
    }

    @Test func versionsKeepTheLastFilesAndWhatFollowsThem() throws {
        let edges = [
            owned(80 * Self.day), deletion(70 * Self.day), owned(60 * Self.day), deletion(50 * Self.day),
            owned(40 * Self.day), deletion(30 * Self.day), owned(20 * Self.day), deletion(10 * Self.day),
        ]
        #expect(try removable(edges, versions: 2) == 4)
        #expect(try removable(edges, versions: 4) == 0)
        #expect(try removable(edges, versions: 100) == 0)
        #expect(try removable(edges, versions: 0) == 8)
    }

    @Test func aReferenceThatNothingFollowedGoes() throws {
        #expect(try removable([reference(31 * Self.day)], days: 30) == 1)
        #expect(try removable([reference(31 * Self.day)], current: Self.day, days: 30) == 0)
    }

    @Test func anOwnerThatNothingFollowedStays() throws {
        #expect(try removable([owned(90 * Self.day)], days: 30) == 0)
    }

    @Test func aLeadingDeletionDoesNotRemain() throws {
        #expect(try removable([deletion(2 * Self.day)], days: 30) == 1)
        #expect(try removable([deletion(2 * Self.day), owned(Self.day), deletion(2 * Self.hour)], days: 30) == 1)
        #expect(try removable([deletion(2 * Self.day)]) == 1)
    }

    @Test func nothingYoungGoes() throws {
        #expect(try removable([owned(59 * Self.hour / 60), deletion(Self.hour / 2)], versions: 0) == 0)
        #expect(try removable([owned(2 * Self.hour), deletion(Self.hour / 2)], versions: 0) == 1)
        #expect(try removable([deletion(Self.hour / 2)], days: 0) == 0)
        #expect(try removable([deletion(Self.hour)], days: 0) == 0, "exactly the minimum age is still young")
    }

    @Test func theLongerOfTwoRulesCounts() throws {
        let edges = [owned(90 * Self.day), owned(60 * Self.day), owned(Self.day)]
        #expect(try removable(edges, current: 2 * Self.hour, days: 30) == 1)
        #expect(try removable(edges, current: 2 * Self.hour, days: 30, versions: 1) == 2)
        #expect(try removable(edges, current: 2 * Self.hour, days: 1000, versions: 1) == 2)
    }

    @Test func withoutRulesEverythingStays() throws {
        #expect(try removable([owned(900 * Self.day), deletion(800 * Self.day)]) == 0)
        #expect(try removable([], days: 1, versions: 0) == 0)
    }

    @Test func historiesThatContradictThemselvesAreRefused() throws {
        #expect(throws: SnapshotRetention.Disorder.timesDoNotRise) {
            try removable([owned(30 * Self.day), deletion(40 * Self.day)], days: 1)
        }
        #expect(throws: SnapshotRetention.Disorder.timesDoNotRise) {
            try removable([owned(30 * Self.day), deletion(30 * Self.day)], days: 1)
        }
    }

    @Test func anOlderCurrentEdgeIsTolerated() throws {
        #expect(try removable([owned(60 * Self.day)], current: 90 * Self.day, days: 30) == 1)
        #expect(try removable([owned(20 * Self.day)], current: 90 * Self.day, days: 30) == 0)
    }

    @Test func edgesFromTheFutureStay() throws {
        let future = SnapshotEdge(
            creationTime: Timestamp(nanoseconds: Self.now.nanoseconds + Self.day), isOwned: true, isDeletion: false)
        #expect(try removable([future], versions: 0) == 0)
    }
}
