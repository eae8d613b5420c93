import CoordinatorCore
import Protocol
import TestShards
import Testing

/// mkdir and rmdir (spec G.3: 1–6, 11).
@Suite struct DirectoryTests {
    private let cluster: Cluster

    init() throws { cluster = try Cluster(seed: 1) }

    private func make(_ name: String, in owner: InodeID) throws -> Result<AnyCdcResponse, ProtocolError> {
        try cluster.call(.makeDirectory(MakeDirectoryRequest(ownerId: owner, name: bytes(name))))
    }

    @Test func sameNameTwiceIsOneDirectory() throws {
        let first = try cluster.makeDirectory("d", in: .root)
        let second = try cluster.makeDirectory("d", in: .root)
        #expect(first == second)
        #expect(try cluster.shards.stat(first.id).get().owner == .root)
        #expect(try cluster.shards.lookup(bytes("d"), in: .root).get().creationTime == first.creationTime)
        #expect(try cluster.violations() == [])
    }

    @Test func overAFileIsRefusedAndLeavesNothing() throws {
        _ = try cluster.shards.makeFile(bytes("f"), in: .root)
        #expect(try make("f", in: .root).error == .cannotOverrideName)
        #expect(try cluster.violations() == [])
    }

    /// Found by simulation: the maker was told the time of the name that somebody else gave the directory.
    @Test func aMakerIsToldOfItsOwnNameAfterACrash() throws {
        var renamed = 0
        for point in 1...40 {
            let cluster = try Cluster(seed: 5)
            let owner = try cluster.makeDirectory("owner", in: .root).id
            let crash = cluster.coordinatorEvents + point
            cluster.crashAfter = { $0 == crash }
            cluster.survivingProposals = { $0 }
            var made: LookupResponse?
            cluster.whileDown = {
                guard let edge = try? cluster.shards.lookup(bytes("new"), in: owner).get(),
                    try cluster.shards.rename(edge, bytes("new"), to: bytes("other"), in: owner).error == nil
                else { return }
                made = edge
            }
            let request = MakeDirectoryRequest(ownerId: owner, name: bytes("new"))
            let answer = try cluster.call(.makeDirectory(request)).get()
            #expect(try cluster.violations() == [])
            guard let made else { continue }
            renamed += 1
            let expected = MakeDirectoryResponse(id: made.targetId, creationTime: made.creationTime)
            #expect(answer == .makeDirectory(expected), "crashed at event \(point)")
            #expect(try cluster.shards.lookup(bytes("new"), in: owner).error == .nameNotFound)
        }
        #expect(renamed > 0)
    }

    /// Found by simulation: the edge can be seen once the shard has unlocked it, before the coordinator hears of it.
    @Test(arguments: 1...30 as ClosedRange<UInt64>) func whoSeesADirectoryEarlyWaitsForItsMaker(_ seed: UInt64) throws {
        let cluster = try Cluster(seed: seed)
        let other = try cluster.makeDirectory("other", in: .root).id
        cluster.faults = Cluster.Faults(loss: 2)
        cluster.submit(.makeDirectory(MakeDirectoryRequest(ownerId: other, name: bytes("new"))))
        var seen: LookupResponse?
        while seen == nil {
            try cluster.step()
            let edge = try cluster.shards.edges(of: other).first { $0.current && !$0.targetId.flag }
            seen = edge.map { LookupResponse(targetId: $0.targetId.id, creationTime: $0.creationTime) }
        }
        let edge = try #require(seen)
        let inside = cluster.submit(.makeDirectory(MakeDirectoryRequest(ownerId: edge.targetId, name: bytes("in"))))
        let move = cluster.submit(
            .renameDirectory(
                RenameDirectoryRequest(
                    targetId: edge.targetId, oldOwnerId: other, oldName: bytes("new"),
                    oldCreationTime: edge.creationTime, newOwnerId: .root, newName: bytes("moved"))))
        try cluster.settle()
        for origin in [inside, move] {
            #expect(cluster.replies[origin]?.first?.error == nil && cluster.replies[origin] != nil)
        }
        #expect(try cluster.shards.lookup(bytes("moved"), in: .root).get().targetId == edge.targetId)
        #expect(try cluster.violations() == [])
    }

    @Test func anIdThatSomebodyMadeUpIsNotGivenOut() throws {
        let cluster = try Cluster(seed: 3, reservation: 2)
        // The next ids, named by requests that hang because a shard does not answer.
        let first = try cluster.makeDirectory("a", in: .root).id
        let next = (1...3 as ClosedRange<UInt64>).map { InodeID(rawValue: first.rawValue + $0) }
        cluster.silentShards = Set(next.map(\.shard))
        for id in next { cluster.submit(.hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: id))) }
        for _ in 0..<50 { try cluster.step() }
        let make = cluster.submit(.makeDirectory(MakeDirectoryRequest(ownerId: first, name: bytes("b"))))
        for _ in 0..<500 where cluster.replies[make] == nil { try cluster.step() }
        guard case .success(.makeDirectory(let made))? = cluster.replies[make]?.first else {
            Issue.record("\(String(describing: cluster.replies[make]))")
            return
        }
        #expect(!next.contains(made.id))
        cluster.silentShards = []
        try cluster.settle()
        #expect(try cluster.violations() == [])
    }

    @Test func inARemovedDirectoryIsRefused() throws {
        let parent = try cluster.makeDirectory("p", in: .root)
        #expect(try cluster.remove("p", in: .root).error == nil)
        #expect(try make("d", in: parent.id).error == .directoryNotFound)
        #expect(
            try make("d", in: InodeID(type: .directory, shard: ShardID(rawValue: 9), index: 999)).error
                == .directoryNotFound)
        #expect(try cluster.violations() == [])
    }

    @Test func parentThatVanishesUnderwayRollsBack() throws {
        let parent = try cluster.makeDirectory("p", in: .root)
        let made = InodeID(rawValue: parent.id.rawValue + 1)
        let origin = cluster.submit(.makeDirectory(MakeDirectoryRequest(ownerId: parent.id, name: bytes("d"))))
        while try cluster.shards.stat(made).error != nil { try cluster.step() }
        // As no client could: without the coordinator, which would keep the parent alive.
        let info = try DirectoryInfo.sternaRootDefault()
        _ = try cluster.shards.perform(
            .removeDirectoryOwner(RemoveDirectoryOwnerRequest(dirId: parent.id, info: info)), at: parent.id.shard,
            isPrivileged: true
        ).get()
        try cluster.settle()
        #expect(cluster.replies[origin]?.first?.error == .directoryNotFound)
        let status = try cluster.shards.stat(made).get()
        #expect(status.owner == .null)
        #expect(status.info.entries.count == 4)
        #expect(try cluster.call(.hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: made))).error == nil)
        #expect(try cluster.shards.stat(made).error == .directoryNotFound)
    }

    /// As after a coordinator was set up anew from a copy that is too old.
    @Test func anInodeThatIsAlreadyThereIsLeftAlone() throws {
        let parent = try cluster.makeDirectory("p", in: .root)
        let taken = InodeID(rawValue: parent.id.rawValue + 1)
        let create = CreateDirectoryInodeRequest(id: taken, ownerId: .root, info: DirectoryInfo(entries: []))
        _ = try cluster.shards.perform(.createDirectoryInode(create), at: taken.shard, isPrivileged: true).get()
        #expect(try make("d", in: parent.id).error == .mismatchingOwner)
        #expect(try cluster.shards.stat(taken).get().owner == .root)
        #expect(try make("d", in: parent.id).error == nil)
    }

    @Test func fullDirectoryStaysAndStaysUsable() throws {
        let parent = try cluster.makeDirectory("p", in: .root)
        _ = try cluster.shards.makeFile(bytes("f"), in: parent.id)
        #expect(try cluster.remove("p", in: .root).error == .directoryNotEmpty)
        let edge = try cluster.shards.lookup(bytes("p"), in: .root).get()
        #expect(try cluster.shards.rename(edge, bytes("p"), to: bytes("q"), in: .root).error == nil)
        #expect(try cluster.violations() == [])
    }

    @Test(arguments: 0..<40) func removalRacingLinkHasOneWinner(_ delay: UInt64) throws {
        let parent = try cluster.makeDirectory("p", in: .root)
        let origin = cluster.submit(try cluster.removeRequest("p", in: .root))
        let shards = cluster.shards
        nonisolated(unsafe) var linked = false
        cluster.act(after: delay * 150_000) { linked = try shards.makeFile(bytes("f"), in: parent.id) != nil }
        try cluster.settle()
        let isRemoved = cluster.replies[origin]?.first?.error == nil
        #expect(isRemoved != linked)
        #expect(try cluster.violations() == [])
    }

    @Test func removedDirectoryKeepsTheNearestPolicies() throws {
        let parent = try cluster.makeDirectory("p", in: .root)
        let child = try cluster.makeDirectory("c", in: parent.id)
        let snapshot = DirectoryInfoEntry(tag: .snapshot, body: try SnapshotPolicy.thirtyDays.encoded())
        let never = SnapshotPolicy(deleteAfterTime: DeleteAfterTime(rawValue: 0), deleteAfterVersions: .inactive)
        let ownSnapshot = DirectoryInfoEntry(tag: .snapshot, body: try never.encoded())
        let stripe = DirectoryInfoEntry(tag: .stripe, body: try StripePolicy(targetStripeSize: 4096).encoded())
        for (directory, entries) in [(child.id, [ownSnapshot]), (parent.id, [snapshot, stripe])] {
            let set = SetDirectoryInfoRequest(id: directory, info: DirectoryInfo(entries: entries))
            _ = try cluster.shards.perform(.setDirectoryInfo(set), at: directory.shard).get()
        }
        #expect(try cluster.remove("c", in: parent.id).error == nil)
        let root = try cluster.shards.stat(.root).get().info.entries.filter { $0.tag == .span || $0.tag == .block }
        let info = try cluster.shards.stat(child.id).get().info.entries
        #expect(Set(info) == Set([ownSnapshot, stripe] + root))
        #expect(info.count == 4)
    }

    @Test func hardUnlinkNeedsAnEmptyOwnerlessDirectory() throws {
        let directory = try cluster.makeDirectory("d", in: .root)
        func unlink() throws -> ProtocolError? {
            try cluster.call(.hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: directory.id))).error
        }
        #expect(try unlink() == .directoryHasOwner)
        let file = try #require(try cluster.shards.makeFile(bytes("f"), in: directory.id))
        let edge = LookupResponse(targetId: file.id, creationTime: file.time)
        _ = try cluster.shards.unlink(edge, bytes("f"), in: directory.id).get()
        #expect(try cluster.remove("d", in: .root).error == nil)
        #expect(try unlink() == .directoryNotEmpty)
        #expect(try cluster.violations() == [])
    }
}
