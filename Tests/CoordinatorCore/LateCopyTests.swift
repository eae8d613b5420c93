import CoordinatorCore
import Protocol
import TestShards
import Testing

/// F-1 from the coordinator's side: what it asks of shards is done once, whatever the network does afterwards.
@Suite("F-1: exactly once") struct LateCopyTests {
    private let cluster: Cluster
    private let left: InodeID
    private let right: InodeID

    init() throws {
        cluster = try Cluster(seed: 11)
        left = try cluster.makeDirectory("left", in: .root).id
        right = try cluster.makeDirectory("right", in: .root).id
    }

    /// Everything that was ever sent comes again, in order and in the opposite order.
    private func repeatEverything() throws {
        let before = try cluster.shards.namespace()
        let sent = cluster.record ?? []
        for send in sent + sent.reversed() {
            _ = try cluster.shards.perform(send.request, at: send.shard, isPrivileged: true)
        }
        let isUnchanged = try cluster.shards.namespace() == before
        #expect(isUnchanged)
        #expect(try cluster.violations() == [])
    }

    @Test("F-1: all packets again after each transaction") func everyPacketAgain() throws {
        cluster.record = []
        let child = try cluster.makeDirectory("child", in: left)
        try repeatEverything()
        #expect(try cluster.rename("child", from: left, to: right, as: "there").error == nil)
        try repeatEverything()
        #expect(try cluster.rename("there", from: right, to: left, as: "child").error == nil)
        try repeatEverything()
        let file = try #require(try cluster.shards.makeFile(bytes("file"), in: left))
        // Refused, so that a lock is taken and given back.
        #expect(try cluster.rename("file", from: left, to: .root, as: "right").error == .cannotOverrideName)
        try repeatEverything()
        #expect(try cluster.rename("file", from: left, to: right, as: "file").error == nil)
        try repeatEverything()
        #expect(try cluster.remove("child", in: left).error == nil)
        let unlink = HardUnlinkDirectoryRequest(dirId: child.id)
        #expect(try cluster.call(.hardUnlinkDirectory(unlink)).error == nil)
        try repeatEverything()
        let edge = try cluster.shards.lookup(bytes("file"), in: right).get()
        _ = try cluster.shards.unlink(edge, bytes("file"), in: right).get()
        let destroy = CrossShardHardUnlinkFileRequest(
            ownerId: right, targetId: file.id, name: bytes("file"), creationTime: edge.creationTime)
        #expect(try cluster.call(.crossShardHardUnlinkFile(destroy)).error == nil)
        try repeatEverything()
        try collectHistory(of: left)
        try collectHistory(of: right)
        try repeatEverything()
        #expect(try cluster.makeDirectory("child", in: left).id != child.id)
        try repeatEverything()
    }

    private func collectHistory(of directory: InodeID) throws {
        for edge in try cluster.shards.edges(of: directory) where !edge.current {
            let remove = RemoveNonOwnedEdgeRequest(
                dirId: directory, targetId: .null, name: edge.name, creationTime: edge.creationTime)
            _ = try cluster.shards.perform(.removeNonOwnedEdge(remove), at: directory.shard).get()
        }
        #expect(try cluster.shards.edges(of: directory).allSatisfy(\.current))
    }

    @Test("F-1: all packets again after crashes") func packetsOfEarlierLeaders() throws {
        cluster.record = []
        for name in ["a", "b", "c"] {
            _ = try cluster.makeDirectory(name, in: left)
            try cluster.crashNow()
            try cluster.settle()
            try repeatEverything()
            #expect(try cluster.rename(name, from: left, to: right, as: name).error == nil)
            try repeatEverything()
        }
    }

    @Test("F-1: a mkdir that a crash cut off is made once, however often its client asks")
    func interruptedMakeDirectory() throws {
        var (made, lost) = (0, 0)
        for point in 1...24 {
            // Each in a cluster of its own.
            if try LateCopyTests().isMade(crashingAt: point) { made += 1 } else { lost += 1 }
        }
        #expect(made > 0 && lost > 0, "crashes before and after the directory was sure to be made")
    }

    /// Whether a mkdir that a crash cut off at its `point`th event had been made when everything was quiet again.
    private func isMade(crashingAt point: Int) throws -> Bool {
        let request = AnyCdcRequest.makeDirectory(MakeDirectoryRequest(ownerId: left, name: bytes("d")))
        try cluster.settle()
        let target = cluster.coordinatorEvents + point
        cluster.crashAfter = { $0 == target }
        let origin = cluster.submit(request)
        try cluster.settle()
        cluster.crashAfter = nil
        let made = try? cluster.shards.lookup(bytes("d"), in: left).get()
        if made != nil { #expect(try cluster.remove("d", in: left).error == nil) }
        cluster.repeatRequest(request, from: origin)
        try cluster.settle()
        let found = try cluster.shards.lookup(bytes("d"), in: left)
        if made != nil { #expect(found.error == .nameNotFound, "made again") }
        guard case .success(.makeDirectory(let answer))? = cluster.replies[origin]?.last else {
            Issue.record("no answer after a crash at event \(point)")
            return made != nil
        }
        #expect(try answer.id == (made?.targetId ?? found.get().targetId))
        #expect(try cluster.violations() == [])
        return made != nil
    }

    @Test("F-1: a leader that another one followed writes nothing any more") func supersededLeader() throws {
        let old = cluster.coordinator
        try cluster.crashNow()
        _ = try cluster.makeDirectory("new", in: left)
        let request = AnyCdcRequest.makeDirectory(MakeDirectoryRequest(ownerId: left, name: bytes("old")))
        try old.receive(request, from: RequestOrigin(source: 99, requestID: 1), now: cluster.now)
        let before = try cluster.shards.namespace()
        var warnings: [String] = []
        for _ in 0..<100 {
            let outbox = old.takeOutbox()
            warnings += outbox.warnings
            for send in outbox.shardSends {
                let answer = try cluster.shards.perform(send.request, at: send.shard, isPrivileged: true)
                try old.receive(answer, toRequest: send.requestID, now: cluster.now)
            }
            old.tick(now: cluster.now)
        }
        #expect(warnings.contains { $0.contains("has closed our numbers") })
        let isUnchanged = try cluster.shards.namespace() == before
        #expect(isUnchanged)
    }

    @Test("F-1: no write before its number is reserved, no read before the shard is fenced")
    func orderAtTheStart() throws {
        try cluster.settle()
        cluster.record = []
        try cluster.crashNow()
        _ = try cluster.makeDirectory("x", in: left)
        var fenced: Set<ShardID> = []
        var highest: UInt64 = 0
        for send in try #require(cluster.record) {
            switch send.request {
            case .closeSequences: fenced.insert(send.shard)
            case .executeOnce(let envelope): highest = max(highest, envelope.sequence)
            default: #expect(send.request.kind.isReadOnly && fenced.contains(send.shard))
            }
        }
        #expect(highest > 0)
        #expect(cluster.coordinator.reservedSequences >= highest)
    }

    /// The numbers under which inodes of directories were asked for.
    private var creations: [UInt64] {
        (cluster.record ?? []).compactMap { send in
            guard case .executeOnce(let envelope) = send.request else { return nil }
            return envelope.kind == ShardKind.createDirectoryInode.rawValue ? envelope.sequence : nil
        }
    }

    @Test("F-1: what a shard refused for the moment gets a new number only if the shard remembers the refusal")
    func numbersOfRepetitions() throws {
        for isInside in [true, false] {
            cluster.record = []
            cluster.injectedError = .internalError
            cluster.isErrorInside = isInside
            cluster.isRefused = { $0.kind == .executeOnce }
            let name = isInside ? "inside" : "outside"
            cluster.submit(.makeDirectory(MakeDirectoryRequest(ownerId: left, name: bytes(name))))
            for _ in 0..<400 where creations.count < 3 { try cluster.step() }
            cluster.injectedError = nil
            try cluster.settle()
            #expect(creations.count > 1)
            #expect(Set(creations).count == (isInside ? creations.count : 1))
        }
        #expect(try cluster.violations() == [])
    }

    @Test("F-1: a shard never has to remember more than agreed") func window() throws {
        let cluster = try Cluster(seed: 5, sequenceSpan: 4)
        let owner = try cluster.makeDirectory("owner", in: .root).id
        cluster.faults = Cluster.Faults(loss: 3)
        let origins = (0..<60).map { index in
            cluster.submit(.makeDirectory(MakeDirectoryRequest(ownerId: owner, name: bytes("d\(index)"))))
        }
        try cluster.settle()
        #expect(origins.allSatisfy { cluster.replies[$0]?.first?.error == nil })
        #expect(try cluster.shards.rememberedReplies().allSatisfy { $0 <= 4 })
        #expect(try cluster.violations() == [])
    }
}
