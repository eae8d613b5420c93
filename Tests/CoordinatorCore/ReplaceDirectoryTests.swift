import CoordinatorCore
import Protocol
import TestShards
import Testing

/// F-18: a directory is renamed over an empty one.
@Suite("F-18: rename over an empty directory") struct ReplaceDirectoryTests {
    private let cluster: Cluster
    private let left: InodeID
    private let right: InodeID
    private let child: InodeID
    private let there: MakeDirectoryResponse

    init() throws {
        cluster = try Cluster(seed: 5)
        left = try cluster.makeDirectory("left", in: .root).id
        right = try cluster.makeDirectory("right", in: .root).id
        child = try cluster.makeDirectory("child", in: left).id
        _ = try cluster.shards.makeFile(bytes("inside"), in: child)
        there = try cluster.makeDirectory("there", in: right)
    }

    private func replace(
        _ oldName: String, in oldOwner: InodeID, over newName: String, in newOwner: InodeID
    ) throws -> Result<AnyCdcResponse, ProtocolError> {
        try cluster.call(try cluster.replaceRequest(oldName, from: oldOwner, to: newOwner, as: newName))
    }

    @Test("the name keeps its history, the old directory becomes a snapshot with its policies")
    func replacing() throws {
        let answer = try replace("child", in: left, over: "there", in: right).get()
        let edge = try cluster.shards.lookup(bytes("there"), in: right).get()
        #expect(edge.targetId == child)
        #expect(answer == .replaceDirectory(ReplaceDirectoryResponse(creationTime: edge.creationTime)))
        #expect(try cluster.shards.stat(child).get().owner == right)
        let old = try cluster.shards.stat(there.id).get()
        #expect(old.owner == .null)
        #expect(old.info.entries.count == 4)
        let history = try cluster.shards.edges(of: right)
        #expect(history.map(\.targetId.id) == [there.id, child], "no deletion in between")
        #expect(history.map(\.creationTime) == [there.creationTime, edge.creationTime])
        #expect(history.map(\.targetId.flag) == [false, false])
        let source = try cluster.shards.edges(of: left)
        #expect(source.map(\.targetId.id) == [child, .null])
        #expect(try cluster.coordinator.parents()[child] == right)
        #expect(try cluster.coordinator.parents()[there.id] == nil)
        #expect(try cluster.call(.hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: there.id))).error == nil)
        #expect(try cluster.violations() == [])
    }

    @Test("within one directory, and the other way round") func inPlace() throws {
        let sibling = try cluster.makeDirectory("sibling", in: left)
        #expect(try replace("child", in: left, over: "sibling", in: left).error == nil)
        #expect(try cluster.shards.lookup(bytes("sibling"), in: left).get().targetId == child)
        #expect(try cluster.shards.lookup(bytes("child"), in: left).error == .nameNotFound)
        #expect(try cluster.shards.stat(sibling.id).get().owner == .null)
        #expect(try replace("there", in: right, over: "sibling", in: left).error == .directoryNotEmpty)
        #expect(try cluster.violations() == [])
    }

    @Test("one that is not empty stays, and both stay usable") func notEmpty() throws {
        _ = try cluster.shards.makeFile(bytes("f"), in: there.id)
        #expect(try replace("child", in: left, over: "there", in: right).error == .directoryNotEmpty)
        for (name, owner) in [("child", left), ("there", right)] {
            let edge = try cluster.shards.lookup(bytes(name), in: owner).get()
            #expect(try cluster.shards.rename(edge, bytes(name), to: bytes("free"), in: owner).error == nil)
        }
        #expect(try cluster.shards.stat(there.id).get().owner == right)
        #expect(try cluster.violations() == [])
    }

    @Test("neither below itself nor over what it is in") func loops() throws {
        let below = try cluster.makeDirectory("below", in: child)
        _ = try cluster.makeDirectory("empty", in: below.id)
        #expect(try replace("child", in: left, over: "below", in: child).error == .loopInDirectoryRename)
        #expect(try replace("child", in: left, over: "empty", in: below.id).error == .loopInDirectoryRename)
        #expect(try replace("empty", in: below.id, over: "child", in: left).error == .directoryNotEmpty)
        #expect(try cluster.violations() == [])
    }

    @Test("what the client did not see is not replaced") func stale() throws {
        let request = try cluster.replaceRequest("child", from: left, to: right, as: "there")
        let edge = try cluster.shards.lookup(bytes("there"), in: right).get()
        _ = try cluster.shards.rename(edge, bytes("there"), to: bytes("elsewhere"), in: right).get()
        #expect(try cluster.call(request).error == .edgeNotFound)
        _ = try cluster.shards.makeFile(bytes("there"), in: right)
        #expect(try cluster.call(request).error == .mismatchingCreationTime)
        #expect(try cluster.remove("elsewhere", in: right).error == nil)
        #expect(try cluster.shards.lookup(bytes("child"), in: left).get().targetId == child)
        #expect(try cluster.violations() == [])
    }

    @Test("an old or new parent that is gone is named (F-19)") func missingParents() throws {
        var request = ReplaceDirectoryRequest(
            targetId: child, oldOwnerId: left, oldName: bytes("child"), oldCreationTime: .zero, newOwnerId: right,
            newName: bytes("there"), replacedId: there.id, replacedCreationTime: there.creationTime)
        request.oldOwnerId = try cluster.makeDirectory("gone", in: .root).id
        #expect(try cluster.remove("gone", in: .root).error == nil)
        #expect(try cluster.call(.replaceDirectory(request)).error == .oldDirectoryNotFound)
        request.newOwnerId = request.oldOwnerId
        request.oldOwnerId = left
        #expect(try cluster.call(.replaceDirectory(request)).error == .newDirectoryNotFound)
        #expect(try cluster.violations() == [])
    }

    @Test("a file that comes in the last moment is not lost", arguments: 0..<40)
    func racingLink(_ delay: UInt64) throws {
        let origin = cluster.submit(try cluster.replaceRequest("child", from: left, to: right, as: "there"))
        let (shards, there) = (cluster.shards, there.id)
        nonisolated(unsafe) var linked = false
        cluster.act(after: delay * 150_000) { linked = try shards.makeFile(bytes("f"), in: there) != nil }
        try cluster.settle()
        let error = cluster.replies[origin]?.first?.error
        #expect(error == (linked ? .directoryNotEmpty : nil))
        #expect(try cluster.violations() == [])
    }

    @Test("the name is never missing, whatever crashes", arguments: 1...24)
    func neverMissing(_ point: Int) throws {
        let crash = cluster.coordinatorEvents + point
        cluster.crashAfter = { $0 == crash }
        let request = try cluster.replaceRequest("child", from: left, to: right, as: "there")
        let origin = cluster.submit(request)
        var seen: [InodeID] = []
        func look() throws {
            let target = try cluster.shards.lookup(bytes("there"), in: right).get().targetId
            if seen.last != target { seen.append(target) }
        }
        for _ in 0..<10 where cluster.replies[origin] == nil {
            for _ in 0..<40 where cluster.replies[origin] == nil {
                try cluster.step()
                try look()
            }
            if cluster.replies[origin] == nil { cluster.repeatRequest(request, from: origin) }
        }
        try cluster.settle()
        try look()
        #expect(cluster.replies[origin] != nil)
        #expect(seen == [there.id, child])
        #expect(try cluster.violations() == [])
    }
}
