import CoordinatorCore
import Protocol
import TestShards
import Testing

/// Shards that know the base protocol only, and drop everything else without an answer.
@Suite struct BaseProtocolTests {
    private func cluster() throws -> Cluster { try Cluster(seed: 3, isBaseProtocolOnly: true) }

    @Test func everyRequestOfTheBaseProtocolSucceeds() throws {
        let cluster = try cluster()
        let a = try cluster.makeDirectory("a", in: .root).id
        let b = try cluster.makeDirectory("b", in: .root).id
        let c = try cluster.makeDirectory("c", in: a).id
        #expect(try cluster.rename("c", from: a, to: b, as: "d").error == nil)
        #expect(try cluster.shards.stat(c).get().owner == b)
        _ = try cluster.shards.makeFile(bytes("f"), in: a)
        #expect(try cluster.rename("f", from: a, to: b, as: "f").error == nil)
        #expect(try cluster.remove("d", in: b).error == nil)
        #expect(try cluster.remove("b", in: .root).error == .directoryNotEmpty)
        let exclusive = MakeDirectoryExclusiveRequest(ownerId: .root, name: bytes("a"))
        #expect(try cluster.call(.makeDirectoryExclusive(exclusive)).error == .cannotOverrideName)
        let attributed = MakeDirectoryWithAttributesRequest(
            ownerId: .root, name: bytes("x"), isExclusive: false, change: .nothing)
        #expect(try cluster.call(.makeDirectoryWithAttributes(attributed)).error == .unrecognizedRequest)
        #expect(try cluster.violations() == [])
        #expect(cluster.alarms == [])
    }

    @Test func nothingElseIsSent() throws {
        let cluster = try cluster()
        cluster.record = []
        let a = try cluster.makeDirectory("a", in: .root).id
        _ = try cluster.makeDirectory("b", in: a)
        #expect(try cluster.remove("b", in: a).error == nil)
        let sent = cluster.record ?? []
        #expect(!sent.isEmpty)
        #expect(sent.allSatisfy { !Cluster.isExtension($0.request) })
    }

    /// What is lost is sent again, and a crash goes on from the log.
    @Test(arguments: 1...30 as ClosedRange<UInt64>) func lossesAndCrashes(_ seed: UInt64) throws {
        let cluster = try Cluster(seed: seed, isBaseProtocolOnly: true)
        cluster.faults.loss = 6
        let crash = cluster.coordinatorEvents + Int(seed)
        cluster.crashAfter = { $0 == crash }
        let a = try cluster.makeDirectory("a", in: .root).id
        let b = try cluster.makeDirectory("b", in: .root).id
        _ = try cluster.makeDirectory("c", in: a)
        #expect(try cluster.shards.lookup(bytes("c"), in: a).error == nil)
        #expect(try cluster.shards.lookup(bytes("b"), in: .root).get().targetId == b)
        #expect(try cluster.violations() == [])
    }

    @Test func replacingADirectoryIsRefused() throws {
        let cluster = try cluster()
        let a = try cluster.makeDirectory("a", in: .root).id
        _ = try cluster.makeDirectory("b", in: .root)
        _ = try cluster.makeDirectory("c", in: a)
        let request = try cluster.replaceRequest("c", from: a, to: .root, as: "b")
        #expect(try cluster.call(request).error == .unrecognizedRequest)
        #expect(try cluster.violations() == [])
    }
}
