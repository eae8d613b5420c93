import CoordinatorCore
import Protocol
import TestShards
import Testing

/// Numbers that are in use get closed: by anybody, where the key is the published one.
@Suite("Numbers closed by others") struct ClosedNumbersTests {
    private let cluster: Cluster
    private let left: InodeID
    private let right: InodeID

    init() throws {
        cluster = try Cluster(seed: 12, anybodyMayCloseNumbers: true)
        left = try cluster.makeDirectory("left", in: .root).id
        right = try cluster.makeDirectory("right", in: .root).id
    }

    /// Has every shard close numbers up to far beyond ours, right before the event that many events from now.
    private func closeNumbers(atEvent point: Int, through number: UInt64) {
        let target = cluster.coordinatorEvents + point
        cluster.crashBefore = { [cluster] event in
            guard event == target else { return false }
            let close = AnyShardRequest.closeSequences(CloseSequencesRequest(through: number))
            for shard in cluster.shards.cores.keys {
                let answer = try? cluster.shards.perform(close, at: shard, isPrivileged: true)
                #expect(answer?.error == nil)
            }
            return false
        }
    }

    @Test("at any moment of any transaction: it ends as it would have", arguments: 1...24)
    func duringTransactions(_ point: Int) throws {
        func closing<T>(_ number: UInt64, _ body: () throws -> T) rethrows -> T {
            closeNumbers(atEvent: point, through: number << 40)
            defer { cluster.crashBefore = nil }
            return try body()
        }
        let child = try closing(1) { try cluster.makeDirectory("child", in: left) }
        #expect(try cluster.shards.lookup(bytes("child"), in: left).get().targetId == child.id)
        #expect(try closing(2) { try cluster.rename("child", from: left, to: right, as: "there").error } == nil)
        let other = try cluster.makeDirectory("other", in: left)
        let replace = try cluster.replaceRequest("other", from: left, to: right, as: "there")
        #expect(try closing(3) { try cluster.call(replace).error } == nil)
        #expect(try cluster.shards.lookup(bytes("there"), in: right).get().targetId == other.id)
        #expect(try closing(4) { try cluster.remove("there", in: right).error } == nil)
        #expect(try cluster.shards.lookup(bytes("there"), in: right).error == .nameNotFound)
        let unlink = AnyCdcRequest.hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: child.id))
        #expect(try closing(5) { try cluster.call(unlink).error } == nil)
        #expect(try cluster.violations() == [])
    }

    @Test("more than a shard believes: nothing happens") func beyondTheWindow() throws {
        let close = AnyShardRequest.closeSequences(CloseSequencesRequest(through: 1 << 61))
        for shard in cluster.shards.cores.keys {
            #expect(try cluster.shards.perform(close, at: shard, isPrivileged: true).error == .malformedRequest)
        }
        _ = try cluster.makeDirectory("child", in: left)
        #expect(try cluster.rename("child", from: left, to: right, as: "there").error == nil)
        #expect(try cluster.remove("there", in: right).error == nil)
        #expect(try cluster.violations() == [])
    }
}
