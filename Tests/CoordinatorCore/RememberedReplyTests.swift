import CoordinatorCore
import Protocol
import TestShards
import Testing

/// Answers that are remembered for copies of their requests.
@Suite struct RememberedReplyTests {
    private static let month: UInt64 = 30 * 86_400 * 1_000_000_000
    private static let request = AnyCdcRequest.makeDirectory(MakeDirectoryRequest(ownerId: .root, name: bytes("made")))

    /// Whether a copy of a mkdir that comes after its directory was removed, and after `between`, makes it again.
    private func isMadeAgain(_ cluster: Cluster, after between: () throws -> Void) throws -> Bool {
        let origin = cluster.submit(Self.request)
        try cluster.settle()
        try #require(cluster.replies[origin]?.first?.error == nil)
        try #require(try cluster.remove("made", in: .root).error == nil)
        try between()
        cluster.repeatRequest(Self.request, from: origin)
        try cluster.settle()
        #expect(cluster.replies[origin]?.count == 2)
        return try cluster.shards.lookup(bytes("made"), in: .root).error == nil
    }

    @Test("a clock that was a month ahead for a moment makes nothing forgotten", arguments: [false, true])
    func clockJumps(_ crashes: Bool) throws {
        let cluster = try Cluster(seed: 1)
        let isMadeAgain = try isMadeAgain(cluster) {
            for number in 0..<5 {
                cluster.clockJumpNanoseconds = Self.month
                _ = try cluster.makeDirectory("ahead \(number)", in: .root)
                if crashes { try cluster.crashNow() }
                cluster.clockJumpNanoseconds = 0
                _ = try cluster.makeDirectory("back \(number)", in: .root)
            }
        }
        #expect(!isMadeAgain)
        #expect(try cluster.violations() == [])
    }

    @Test("what is older than any client's patience is forgotten") func oldOnesGo() throws {
        let cluster = try Cluster(seed: 1)
        let isMadeAgain = try isMadeAgain(cluster) {
            for number in 0..<20 {
                cluster.clockJumpNanoseconds += 50_000_000_000
                _ = try cluster.makeDirectory("later \(number)", in: .root)
            }
        }
        #expect(isMadeAgain)
    }
}
