import CoordinatorCore
import Protocol
import TestShards
import Testing

/// Renames between directories (spec G.3: 7–9).
@Suite struct RenameTests {
    private let cluster: Cluster
    private let left: InodeID
    private let right: InodeID

    init() throws {
        cluster = try Cluster(seed: 2)
        left = try cluster.makeDirectory("left", in: .root).id
        right = try cluster.makeDirectory("right", in: .root).id
    }

    @Test func fileMovesAndLeavesHistory() throws {
        let file = try #require(try cluster.shards.makeFile(bytes("a"), in: left))
        let answer = try cluster.rename("a", from: left, to: right, as: "b").get()
        let edge = try cluster.shards.lookup(bytes("b"), in: right).get()
        #expect(answer == .renameFile(RenameFileResponse(creationTime: edge.creationTime)))
        #expect(edge.targetId == file.id)
        let history = try cluster.shards.edges(of: left)
        #expect(history.count == 2)
        #expect(history.first?.targetId == InodeIDExtra(id: file.id, flag: false))
        #expect(history.first?.creationTime == file.time)
        #expect(history.last?.targetId.id == .null)
        #expect(try cluster.violations() == [])
    }

    @Test func overwrittenFileBelongsToHistory() throws {
        _ = try cluster.shards.makeFile(bytes("a"), in: left)
        let old = try #require(try cluster.shards.makeFile(bytes("b"), in: right))
        #expect(try cluster.rename("a", from: left, to: right, as: "b").error == nil)
        #expect(try cluster.shards.edges(of: right).first?.targetId == InodeIDExtra(id: old.id, flag: true))
        #expect(try cluster.violations() == [])
    }

    @Test func ontoADirectoryIsRefusedAndTheSourceStaysUsable() throws {
        _ = try cluster.shards.makeFile(bytes("a"), in: left)
        _ = try cluster.makeDirectory("b", in: right)
        #expect(try cluster.rename("a", from: left, to: right, as: "b").error == .cannotOverrideName)
        let edge = try cluster.shards.lookup(bytes("a"), in: left).get()
        #expect(try cluster.shards.rename(edge, bytes("a"), to: bytes("c"), in: left).error == nil)
        #expect(try cluster.violations() == [])
    }

    @Test("F-19: a missing new parent is NEW_DIRECTORY_NOT_FOUND in every rename")
    func missingNewParentIsTold() throws {
        _ = try cluster.shards.makeFile(bytes("f"), in: left)
        _ = try cluster.makeDirectory("d", in: left)
        let gone = try cluster.makeDirectory("gone", in: .root).id
        #expect(try cluster.remove("gone", in: .root).error == nil)
        #expect(try cluster.rename("f", from: left, to: gone, as: "x").error == .newDirectoryNotFound)
        #expect(try cluster.rename("d", from: left, to: gone, as: "x").error == .newDirectoryNotFound)
        let edge = try cluster.shards.lookup(bytes("f"), in: left).get()
        #expect(try cluster.shards.unlink(edge, bytes("f"), in: left).error == nil)
        #expect(try cluster.violations() == [])
    }

    @Test("F-19: also when the new parent goes during the rename", arguments: 0..<12)
    func newParentThatVanishesUnderway(_ delay: UInt64) throws {
        _ = try cluster.shards.makeFile(bytes("f"), in: left)
        _ = try cluster.makeDirectory("d", in: left)
        let shards = cluster.shards
        let info = try DirectoryInfo.sternaRootDefault()
        for name in ["f", "d"] {
            let gone = try cluster.makeDirectory("gone-\(name)", in: .root).id
            let origin = cluster.submit(try cluster.renameRequest(name, from: left, to: gone, as: "x"))
            // As no client could: without the coordinator, which would keep the parent alive.
            let remove = RemoveDirectoryOwnerRequest(dirId: gone, info: info)
            cluster.act(after: delay * 150_000) {
                _ = try shards.perform(.removeDirectoryOwner(remove), at: gone.shard, isPrivileged: true)
            }
            try cluster.settle()
            let answer = try #require(cluster.replies[origin]?.first)
            let edge = try shards.lookup(bytes(name), in: left)
            if let error = answer.error {
                #expect(error == .newDirectoryNotFound)
                #expect(edge.error == nil, "the source is where it was")
            } else {
                #expect(edge.error == .nameNotFound)
            }
        }
    }

    @Test func staleSourceIsRefused() throws {
        _ = try cluster.shards.makeFile(bytes("f"), in: left)
        let request = try cluster.renameRequest("f", from: left, to: right, as: "g")
        guard case .renameFile(var stale) = request else { throw ProtocolError.malformedRequest }
        stale.oldCreationTime = Timestamp(nanoseconds: 1)
        #expect(try cluster.call(.renameFile(stale)).error == .mismatchingCreationTime)
        #expect(try cluster.call(request).error == nil)
        #expect(try cluster.call(request).error == .edgeNotFound)
        #expect(try cluster.violations() == [])
    }

    @Test func directoryMovesWithItsOwner() throws {
        let child = try cluster.makeDirectory("c", in: left)
        let below = try cluster.makeDirectory("b", in: child.id)
        #expect(try cluster.rename("c", from: left, to: right, as: "d").error == nil)
        #expect(try cluster.shards.stat(child.id).get().owner == right)
        #expect(try cluster.shards.lookup(bytes("b"), in: child.id).get().targetId == below.id)
        #expect(try cluster.coordinator.parents()[child.id] == right)
        #expect(try cluster.violations() == [])
    }

    @Test func directoryNeverReplacesAnything() throws {
        _ = try cluster.makeDirectory("c", in: left)
        _ = try cluster.shards.makeFile(bytes("f"), in: right)
        _ = try cluster.makeDirectory("d", in: right)
        #expect(try cluster.rename("c", from: left, to: right, as: "f").error == .cannotOverrideName)
        #expect(try cluster.rename("c", from: left, to: right, as: "d").error == .cannotOverrideName)
        #expect(try cluster.violations() == [])
    }
}
