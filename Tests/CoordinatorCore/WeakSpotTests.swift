import CoordinatorCore
import Protocol
import TestShards
import Testing

/// The weak spots of the reference that a coordinator can have (spec F.1), each under its number. F-1, F-17, F-18 and
/// F-19 have tests of their own.
@Suite("Weak spots")
struct WeakSpotTests {
    private let cluster: Cluster
    private let left: InodeID
    private let right: InodeID

    init() throws {
        cluster = try Cluster(seed: 4)
        left = try cluster.makeDirectory("left", in: .root).id
        right = try cluster.makeDirectory("right", in: .root).id
    }

    @Test("F-3: what can never be carried out is refused before it gets into the log")
    func poison() throws {
        let file = try #require(try cluster.shards.makeFile(bytes("f"), in: left)).id
        _ = try cluster.makeDirectory("gone", in: .root)
        let gone = try cluster.shards.lookup(bytes("gone"), in: .root).get().targetId
        #expect(try cluster.remove("gone", in: .root).error == nil)
        let child = try cluster.makeDirectory("child", in: left).id
        let edge = try cluster.shards.lookup(bytes("child"), in: left).get()
        func move(to owner: InodeID) -> AnyCdcRequest {
            .renameDirectory(
                RenameDirectoryRequest(
                    targetId: child, oldOwnerId: left, oldName: bytes("child"), oldCreationTime: edge.creationTime,
                    newOwnerId: owner, newName: bytes("x")))
        }
        try cluster.settle()
        let before = cluster.coordinator.statistics.logRecords
        #expect(try make("a/b", in: left).error == .badName)
        #expect(try make("d", in: file).error == .typeIsNotDirectory)
        #expect(try cluster.call(move(to: gone)).error == .newDirectoryNotFound)
        #expect(try cluster.call(move(to: file)).error == .typeIsNotDirectory)
        for (dirId, error) in [(InodeID.root, ProtocolError.cannotRemoveRootDirectory), (file, .typeIsNotDirectory)] {
            let unlink = HardUnlinkDirectoryRequest(dirId: dirId)
            #expect(try cluster.call(.hardUnlinkDirectory(unlink)).error == error)
        }
        #expect(cluster.coordinator.statistics.logRecords == before)
        // Nor does a crash bring any of it back.
        try cluster.crashNow()
        try cluster.settle()
        #expect(try cluster.violations() == [])
        #expect(cluster.alarms == [])
    }

    private func make(_ name: String, in owner: InodeID) throws -> Result<AnyCdcResponse, ProtocolError> {
        try cluster.call(.makeDirectory(MakeDirectoryRequest(ownerId: owner, name: bytes(name))))
    }

    @Test("F-4: a rename that is refused lets go of its source")
    func rollback() throws {
        _ = try cluster.shards.makeFile(bytes("f"), in: left)
        _ = try cluster.makeDirectory("d", in: left)
        _ = try cluster.makeDirectory("taken", in: right)
        for name in ["f", "d"] {
            let before = try cluster.shards.lookup(bytes(name), in: left).get()
            #expect(try cluster.rename(name, from: left, to: right, as: "taken").error == .cannotOverrideName)
            #expect(try cluster.violations() == [])  // X7: no locked edges
            #expect(try cluster.shards.lookup(bytes(name), in: left).get() == before)
            #expect(try cluster.shards.rename(before, bytes(name), to: bytes("free"), in: left).error == nil)
            #expect(try cluster.rename("free", from: left, to: right, as: name).error == nil)
        }
        #expect(cluster.alarms == [])
    }

    @Test("F-5: a removed directory keeps its own policies before its ancestors', however many tags they have")
    func policies() throws {
        let child = try cluster.makeDirectory("c", in: left)
        // Unknown tags are none of our business, and more than fits into one datagram's worth of log.
        let strange = (100..<104).map { tag in
            DirectoryInfoEntry(tag: DirectoryInfoTag(rawValue: tag), body: [UInt8](repeating: 7, count: 250))
        }
        let never = SnapshotPolicy(deleteAfterTime: DeleteAfterTime(rawValue: 0), deleteAfterVersions: .inactive)
        let own = DirectoryInfoEntry(tag: .snapshot, body: try never.encoded())
        let inherited = DirectoryInfoEntry(tag: .stripe, body: try StripePolicy(targetStripeSize: 4096).encoded())
        let hidden = DirectoryInfoEntry(tag: .snapshot, body: try SnapshotPolicy.thirtyDays.encoded())
        for (directory, entries) in [(child.id, strange + [own]), (left, strange + [hidden, inherited])] {
            let set = SetDirectoryInfoRequest(id: directory, info: DirectoryInfo(entries: entries))
            _ = try cluster.shards.perform(.setDirectoryInfo(set), at: directory.shard).get()
        }
        #expect(try cluster.remove("c", in: left).error == nil)
        let root = try cluster.shards.stat(.root).get().info.entries.filter { $0.tag == .span || $0.tag == .block }
        #expect(Set(try cluster.shards.stat(child.id).get().info.entries) == Set([own, inherited] + root))
        #expect(try cluster.violations() == [])
    }

    @Test("F-16: a removed directory's name is left to history without being owned, which clients look for")
    func removedDirectoryHistory() throws {
        let made = try cluster.makeDirectory("d", in: left)
        #expect(try cluster.remove("d", in: left).error == nil)
        let history = try cluster.shards.edges(of: left).filter { $0.name == bytes("d") }
        #expect(history.map(\.current) == [false, false])
        #expect(
            history.map(\.targetId)
                == [InodeIDExtra(id: made.id, flag: false), InodeIDExtra(id: .null, flag: false)])
        #expect(history.first?.creationTime == made.creationTime)
    }
}
