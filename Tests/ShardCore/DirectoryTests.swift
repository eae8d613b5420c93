import Protocol
import ShardCore
import Testing

/// Directories and what the coordinator does to them: metadata.md A.9, A.10, B.11, B.12.
@Suite("Directories")
struct DirectoryTests {
    @Test("the root has the policies that were meant")
    func root() throws {
        let shard = try ShardFixture()
        let root = try shard.call(StatDirectoryRequest(id: .root))
        #expect(root.owner == .null)
        #expect(root.mtime == .zero)
        #expect(root.info == (try DirectoryInfo.sternaRootDefault()))
        let other = try ShardFixture(shard: 3)
        try other.expect(.directoryNotFound, StatDirectoryRequest(id: .root))
    }

    @Test("the genesis counts once, and nothing is prepared before it")
    func genesis() throws {
        let shard = try ShardFixture(genesis: false)
        #expect(!shard.core.isInitialised)
        try shard.expect(.internalError, ConstructFileRequest(type: .file, note: []))
        try shard.begin()
        #expect(shard.core.isInitialised)
        let file = try shard.construct()
        let other = ShardGenesis(cookieKey: SecretKey(low: 1, high: 2), rootInfo: DirectoryInfo(entries: []))
        _ = try shard.apply(shard.core.prepareGenesis(other, at: shard.tick()))
        try shard.link(file, "foo")
        #expect(try shard.call(StatDirectoryRequest(id: .root)).info.entries.count == 4)
    }

    @Test("making a directory, late and twice")
    func createDirectory() throws {
        let shard = try ShardFixture()
        let id = InodeID(type: .directory, shard: shard.shard, index: 1)
        let nothing = DirectoryInfo(entries: [])
        func request(id: InodeID? = nil, owner: InodeID = .root) -> CreateDirectoryInodeRequest {
            CreateDirectoryInodeRequest(
                id: id ?? InodeID(type: .directory, shard: shard.shard, index: 1), ownerId: owner, info: nothing)
        }
        let file = InodeID(type: .file, shard: shard.shard, index: 1)
        try shard.expect(.badShard, request(id: InodeID(type: .directory, shard: ShardID(rawValue: 3), index: 1)))
        try shard.expect(.typeIsNotDirectory, request(id: file))
        try shard.expect(.typeIsNotDirectory, request(owner: file))
        try shard.expect(.notAuthorised, request(), isPrivileged: false)
        #expect(try shard.call(request()).mtime == shard.now)
        #expect(try shard.call(request()).mtime == .zero)
        try shard.expect(.mismatchingOwner, request(owner: id))
        try shard.call(RemoveDirectoryOwnerRequest(dirId: id, info: nothing))
        try shard.expect(.directoryNotFound, request())
        try shard.expect(.directoryNotFound, SetDirectoryOwnerRequest(dirId: id, ownerId: .root))
    }

    @Test("policies are refused when nobody could use them")
    func setInfo() throws {
        let shard = try ShardFixture()
        let directory = try shard.makeDirectory("directory", index: 1)
        func info(_ parity: Parity) throws -> DirectoryInfo {
            var info = DirectoryInfo(entries: [])
            try info.set(SpanPolicy.uniform(parity, maxSize: 8 << 20))
            return info
        }
        let good = try info(Parity(data: 4, parity: 2))
        try shard.call(SetDirectoryInfoRequest(id: directory.id, info: good))
        #expect(try shard.call(StatDirectoryRequest(id: directory.id)).info == good)
        // Sixteen failure domains.
        try shard.expect(
            .badDirectoryInfo, SetDirectoryInfoRequest(id: directory.id, info: try info(Parity(data: 13, parity: 4))))
        try shard.expect(.badDirectoryInfo, SetDirectoryInfoRequest(id: .root, info: good))
        let torn = DirectoryInfo(entries: [DirectoryInfoEntry(tag: .span, body: [1])])
        try shard.expect(.badDirectoryInfo, SetDirectoryInfoRequest(id: directory.id, info: torn))
        try shard.expect(
            .typeIsNotDirectory,
            SetDirectoryInfoRequest(id: InodeID(type: .file, shard: shard.shard, index: 1), info: good))
    }

    @Test("A snapshot directory keeps the policies that a late SET_DIRECTORY_INFO leaves out (X9; found by simulation)")
    func lateSetInfo() throws {
        let shard = try ShardFixture()
        let directory = try shard.makeDirectory("d", index: 1)
        let resolved = try DirectoryInfo.sternaRootDefault()
        try shard.call(RemoveDirectoryOwnerRequest(dirId: directory.id, info: resolved))
        var late = DirectoryInfo(entries: [])
        try late.set(SpanPolicy.uniform(Parity(data: 1, parity: 1), maxSize: 1 << 20))
        try shard.call(SetDirectoryInfoRequest(id: directory.id, info: late))
        let info = try shard.call(StatDirectoryRequest(id: directory.id)).info
        #expect(Set(info.entries.map(\.tag)) == Set(resolved.entries.map(\.tag)))
        #expect(try info.policy(SpanPolicy.self) == SpanPolicy.uniform(Parity(data: 1, parity: 1), maxSize: 1 << 20))
        #expect(try info.policy(SnapshotPolicy.self) == resolved.policy(SnapshotPolicy.self))
    }

    @Test("a directory loses its owner when it is empty")
    func removeOwner() throws {
        let shard = try ShardFixture()
        let directory = try shard.makeDirectory("directory", index: 1)
        let inner = try shard.makeFile("inner", in: directory.id)
        var resolved = DirectoryInfo(entries: [])
        try resolved.set(StripePolicy.oneMebibyte)
        let request = RemoveDirectoryOwnerRequest(dirId: directory.id, info: resolved)
        try shard.expect(.cannotRemoveRootDirectory, RemoveDirectoryOwnerRequest(dirId: .root, info: resolved))
        try shard.expect(.directoryNotEmpty, request)
        try shard.unlink("inner", inner, in: directory.id)
        try shard.call(request)
        try shard.call(RemoveDirectoryOwnerRequest(dirId: directory.id, info: DirectoryInfo(entries: [])))
        let stat = try shard.call(StatDirectoryRequest(id: directory.id))
        #expect(stat.owner == .null)
        #expect(stat.info == resolved)
        // Of a snapshot directory only the history can be seen.
        try shard.expect(.directoryNotFound, LookupRequest(dirId: directory.id, name: "inner".bytes))
        try shard.expect(.directoryNotFound, ReadDirRequest(dirId: directory.id, startHash: .zero, mtu: 0))
        #expect(try shard.edges(of: directory.id).count == 2)
        let file = try shard.construct()
        try shard.expect(
            .directoryNotFound,
            LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: directory.id, name: "x".bytes))
    }

    @Test("a directory gets another owner")
    func setOwner() throws {
        let shard = try ShardFixture()
        let one = try shard.makeDirectory("one", index: 1)
        let two = try shard.makeDirectory("two", index: 2)
        try shard.call(SetDirectoryOwnerRequest(dirId: two.id, ownerId: one.id))
        #expect(try shard.call(StatDirectoryRequest(id: two.id)).owner == one.id)
        try shard.expect(.typeIsNotDirectory, SetDirectoryOwnerRequest(dirId: two.id, ownerId: .null))
        try shard.expect(.cannotRemoveRootDirectory, SetDirectoryOwnerRequest(dirId: .root, ownerId: one.id))
    }

    @Test("a locked edge is made once, however often it is asked for")
    func createLockedEdge() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        shard.checksInvariants = false  // A rename between shards has two edges for one file.
        func request(_ name: String, since time: Timestamp, target: InodeID? = nil) -> CreateLockedCurrentEdgeRequest {
            CreateLockedCurrentEdgeRequest(
                dirId: .root, name: name.bytes, targetId: target ?? foo.id, oldCreationTime: time)
        }
        try shard.expect(.badName, request("..", since: .zero))
        try shard.expect(.malformedRequest, request("x", since: .zero, target: .null))
        try shard.expect(.mismatchingCreationTime, request("bar", since: foo.time))
        let made = try shard.call(request("bar", since: .zero)).creationTime
        try shard.expect(.mismatchingCreationTime, request("bar", since: .zero))
        #expect(try shard.call(request("bar", since: made)).creationTime == made)
        let other = InodeID(type: .file, shard: shard.shard, index: 55)
        try shard.expect(.mismatchingTarget, request("bar", since: made, target: other))
        try shard.call(
            UnlockCurrentEdgeRequest(
                dirId: .root, name: "foo".bytes, creationTime: foo.time, targetId: foo.id, wasMoved: true))
        try shard.call(
            UnlockCurrentEdgeRequest(
                dirId: .root, name: "bar".bytes, creationTime: made, targetId: foo.id, wasMoved: false))
        shard.checksInvariants = true
        // A copy of the first request that comes now changes nothing (F-1).
        try shard.expect(.mismatchingCreationTime, request("bar", since: .zero))
        // The name foo has a history: only its newest time will do.
        let deleted = try #require(try shard.history("foo").first).creationTime
        try shard.expect(.mismatchingCreationTime, request("foo", since: .zero, target: other))
        try shard.expect(.mismatchingCreationTime, request("foo", since: foo.time, target: other))
        shard.checksInvariants = false
        try shard.call(
            request("foo", since: deleted, target: InodeID(type: .file, shard: ShardID(rawValue: 9), index: 1)))
        shard.expectInvariants()
    }

    @Test("F-18: a locked directory gives its name to another")
    func replaceLockedEdge() throws {
        let shard = try ShardFixture()
        let old = try shard.makeDirectory("there", index: 1)
        let new = try shard.makeDirectory("new", index: 2)
        let third = try shard.makeDirectory("third", index: 3)
        let file = try shard.makeFile("file")
        func request(
            _ name: String = "there", since time: Timestamp? = nil, _ target: InodeID? = nil,
            _ newTarget: InodeID? = nil
        ) -> ReplaceLockedDirectoryEdgeRequest {
            ReplaceLockedDirectoryEdgeRequest(
                dirId: .root, name: name.bytes, creationTime: time ?? old.time, targetId: target ?? old.id,
                newTargetId: newTarget ?? new.id)
        }
        shard.checksInvariants = false  // Until the source's edge is gone, the directory has two.
        try shard.expect(.notAuthorised, request(), isPrivileged: false)
        try shard.expect(.edgeNotFound, request())
        try shard.expect(.edgeNotFound, request("nothing"))
        for (name, edge) in [("there", old), ("new", new)] {
            try shard.call(
                LockCurrentEdgeRequest(dirId: .root, targetId: edge.id, creationTime: edge.time, name: name.bytes))
        }
        try shard.expect(.badName, request("."))
        try shard.expect(.typeIsNotDirectory, request("there", since: nil, nil, file.id))
        try shard.expect(.typeIsNotDirectory, request("there", since: nil, file.id))
        try shard.expect(.sameSourceAndDestination, request("there", since: nil, old.id, old.id))
        try shard.expect(.mismatchingCreationTime, request("there", since: new.time))
        try shard.expect(.mismatchingTarget, request("there", since: nil, third.id))
        let made = try shard.call(request()).creationTime
        #expect(made == shard.now)
        // Repeated, it changes nothing; what only looks like a repetition is refused.
        #expect(try shard.call(request()).creationTime == made)
        try shard.expect(.mismatchingCreationTime, request("there", since: nil, third.id))
        try shard.expect(.mismatchingCreationTime, request("there", since: nil, nil, third.id))
        #expect(try shard.lookup("there") == LookupResponse(targetId: new.id, creationTime: made))
        #expect(try shard.history("there").map(\.targetId.id) == [new.id, old.id])
        try shard.call(
            UnlockCurrentEdgeRequest(
                dirId: .root, name: "new".bytes, creationTime: new.time, targetId: new.id, wasMoved: true))
        try shard.call(
            UnlockCurrentEdgeRequest(
                dirId: .root, name: "there".bytes, creationTime: made, targetId: new.id, wasMoved: false))
        try shard.call(RemoveDirectoryOwnerRequest(dirId: old.id, info: DirectoryInfo(entries: [])))
        try shard.expect(.edgeNotFound, request())
        shard.expectInvariants()
    }

    @Test("locking and unlocking")
    func locks() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        let other = InodeID(type: .file, shard: shard.shard, index: 55)
        func lock(_ name: String = "foo", target: InodeID? = nil, time: Timestamp? = nil) -> LockCurrentEdgeRequest {
            LockCurrentEdgeRequest(
                dirId: .root, targetId: target ?? foo.id, creationTime: time ?? foo.time, name: name.bytes)
        }
        func unlock(target: InodeID? = nil, time: Timestamp? = nil, moved: Bool = false) -> UnlockCurrentEdgeRequest {
            UnlockCurrentEdgeRequest(
                dirId: .root, name: "foo".bytes, creationTime: time ?? foo.time, targetId: target ?? foo.id,
                wasMoved: moved)
        }
        try shard.expect(.edgeNotFound, lock("bar"))
        try shard.expect(.mismatchingCreationTime, lock(time: .zero))
        try shard.expect(.mismatchingTarget, lock(target: other))
        try shard.call(lock())
        try shard.call(lock())
        try shard.expect(.mismatchingCreationTime, unlock(time: .zero))
        try shard.expect(.mismatchingTarget, unlock(target: other))
        try shard.call(unlock())
        try shard.call(unlock())
        try shard.unlink("foo", foo)
        try shard.expect(.edgeNotFound, unlock())
        // A moved edge becomes history that owns nothing.
        let bar = try shard.makeFile("bar")
        shard.checksInvariants = false
        try shard.call(
            LockCurrentEdgeRequest(dirId: .root, targetId: bar.id, creationTime: bar.time, name: "bar".bytes))
        let moved = UnlockCurrentEdgeRequest(
            dirId: .root, name: "bar".bytes, creationTime: bar.time, targetId: bar.id, wasMoved: true)
        try shard.call(moved)
        try shard.expect(.edgeNotFound, moved)
        #expect(
            try shard.history("bar").map(\.targetId)
                == [InodeIDExtra(id: .null, flag: false), InodeIDExtra(id: bar.id, flag: false)])
    }
}
