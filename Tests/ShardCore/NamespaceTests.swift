import Protocol
import ShardCore
import Testing

/// Names: metadata.md B.2, B.4, B.10, B.11 and G.2 1–8, 19, 20, 24.
@Suite("Namespace of a shard")
struct NamespaceTests {
    @Test("G.2 1: construct, link, lookup, list, stat")
    func constructAndLink() throws {
        let shard = try ShardFixture()
        let (id, time) = try shard.makeFile("foo")
        #expect(try shard.lookup("foo") == LookupResponse(targetId: id, creationTime: time))
        let stat = try shard.call(StatFileRequest(id: id))
        #expect(stat == StatFileResponse(mtime: time, atime: time, size: 0))
        let list = try shard.call(ReadDirRequest(dirId: .root, startHash: .zero, mtu: 0))
        #expect(list.nextHash == .zero)
        #expect(list.results.map(\.name) == ["foo".bytes])
        #expect(list.results.map(\.targetId) == [id])
        #expect(try shard.call(StatDirectoryRequest(id: .root)).mtime == time)
    }

    @Test("lookups say what is missing")
    func lookupErrors() throws {
        let shard = try ShardFixture()
        let (id, _) = try shard.makeFile("foo")
        try shard.expect(.nameNotFound, LookupRequest(dirId: .root, name: "bar".bytes))
        try shard.expect(.typeIsNotDirectory, LookupRequest(dirId: id, name: "bar".bytes))
        let missing = InodeID(type: .directory, shard: shard.shard, index: 9)
        try shard.expect(.directoryNotFound, LookupRequest(dirId: missing, name: "bar".bytes))
        try shard.expect(.typeIsDirectory, StatFileRequest(id: .root))
        try shard.expect(.fileNotFound, StatFileRequest(id: InodeID(type: .file, shard: shard.shard, index: 99)))
        try shard.expect(.directoryNotFound, StatDirectoryRequest(id: missing))
        try shard.expect(.fileNotFound, StatTransientFileRequest(id: id))
        try shard.expect(.fileNotFound, StatTransientFileRequest(id: .root))
    }

    @Test("G.2 2: renaming over a file leaves four edges")
    func renameOverFile() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        let bar = try shard.makeFile("bar")
        let renamed = try shard.call(
            SameDirectoryRenameRequest(
                targetId: foo.id, dirId: .root, oldName: "foo".bytes, oldCreationTime: foo.time, newName: "bar".bytes)
        ).newCreationTime
        let edges = try shard.edges()
        #expect(edges.count == 4)
        let current = edges.filter(\.current)
        #expect(current.map(\.name) == ["bar".bytes])
        #expect(current.map(\.creationTime) == [renamed])
        #expect(current.map(\.targetId.id) == [foo.id])
        let oldBar = try shard.history("bar").last
        #expect(oldBar?.targetId == InodeIDExtra(id: bar.id, flag: true))
        let oldFoo = try shard.history("foo")
        #expect(
            oldFoo.map(\.targetId) == [InodeIDExtra(id: .null, flag: false), InodeIDExtra(id: foo.id, flag: false)])
        #expect(oldFoo.map(\.creationTime) == [renamed, foo.time])
    }

    @Test("rename refuses in order")
    func renameErrors() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        func request(
            target: InodeID? = nil, directory: InodeID = .root, old: String = "foo", time: Timestamp? = nil,
            new: String = "bar"
        ) -> SameDirectoryRenameRequest {
            SameDirectoryRenameRequest(
                targetId: target ?? foo.id, dirId: directory, oldName: old.bytes, oldCreationTime: time ?? foo.time,
                newName: new.bytes)
        }
        try shard.expect(.typeIsNotDirectory, request(directory: foo.id, new: "foo"))
        try shard.expect(.sameSourceAndDestination, request(new: "foo"))
        for name in ["", ".", "..", "a/b", "a\0b"] { try shard.expect(.badName, request(new: name)) }
        let elsewhere = InodeID(type: .directory, shard: ShardID(rawValue: 7), index: 1)
        try shard.expect(.badShard, request(directory: elsewhere))
        let missing = InodeID(type: .directory, shard: shard.shard, index: 9)
        try shard.expect(.directoryNotFound, request(directory: missing))
        try shard.expect(.edgeNotFound, request(old: "baz"))
        try shard.expect(.mismatchingTarget, request(target: .root, time: .zero))
        try shard.expect(.mismatchingCreationTime, request(time: .zero))
        try shard.call(request())
        try shard.expect(.edgeNotFound, request())
    }

    @Test("G.2 3: linking twice answers the first time")
    func linkTwice() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        let time = try shard.link(file, "foo")
        #expect(try shard.link(file, "foo") == time)
        try shard.expect(
            .fileNotFound,
            LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: "other".bytes))
    }

    @Test("link refuses in order")
    func linkErrors() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        func request(
            file id: InodeID? = nil, cookie: Cookie? = nil, owner: InodeID = .root, name: String = "foo"
        ) -> LinkFileRequest {
            LinkFileRequest(fileId: id ?? file.id, cookie: cookie ?? file.cookie, ownerId: owner, name: name.bytes)
        }
        let elsewhere = InodeID(type: .directory, shard: ShardID(rawValue: 7), index: 1)
        try shard.expect(.typeIsNotDirectory, request(cookie: Cookie(rawValue: 1), owner: file.id))
        try shard.expect(.badShard, request(cookie: Cookie(rawValue: 1), owner: elsewhere))
        try shard.expect(.typeIsDirectory, request(file: .root))
        try shard.expect(.badCookie, request(cookie: Cookie(rawValue: 1), name: "."))
        try shard.expect(.badName, request(name: "."))
        let missing = InodeID(type: .directory, shard: shard.shard, index: 9)
        try shard.expect(.directoryNotFound, request(owner: missing))
        try shard.call(request())
    }

    @Test("G.2 4: linking after the deadline")
    func linkLate() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        shard.tick(seconds: 2 * 3600)
        try shard.expect(
            .fileNotFound, LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: "foo".bytes))
        #expect(try shard.call(StatTransientFileRequest(id: file.id)).note == "note".bytes)
        try shard.call(RemoveInodeRequest(id: file.id))
        try shard.expect(.fileNotFound, StatTransientFileRequest(id: file.id))
    }

    @Test("G.2 5, 6: unlinking")
    func unlink() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        func request(file: InodeID? = nil, owner: InodeID = .root, time: Timestamp? = nil) -> SoftUnlinkFileRequest {
            SoftUnlinkFileRequest(
                ownerId: owner, fileId: file ?? foo.id, name: "foo".bytes, creationTime: time ?? foo.time)
        }
        let other = InodeID(type: .file, shard: shard.shard, index: 77)
        try shard.expect(.typeIsNotDirectory, request(owner: foo.id))
        try shard.expect(.typeIsDirectory, request(file: .root))
        try shard.expect(.mismatchingTarget, request(file: other, time: .zero))
        try shard.expect(.mismatchingCreationTime, request(time: .zero))
        let deleted = try shard.call(request()).deleteCreationTime
        try shard.expect(.edgeNotFound, request())
        try shard.expect(.nameNotFound, LookupRequest(dirId: .root, name: "foo".bytes))
        // What a client checks that did not get the answer (B.10).
        let history = try shard.call(
            FullReadDirRequest(
                dirId: .root, flags: [.backwards, .sameName, .current], startName: "foo".bytes, startTime: .zero,
                limit: 2,
                mtu: 0))
        #expect(history.next.startName.isEmpty)
        #expect(history.results.map(\.creationTime) == [deleted, foo.time])
        #expect(
            history.results.map(\.targetId) == [
                InodeIDExtra(id: .null, flag: false), InodeIDExtra(id: foo.id, flag: true),
            ])
        // A file does not know that only history keeps it.
        #expect(try shard.call(StatFileRequest(id: foo.id)).mtime == foo.time)
    }

    @Test("G.2 7: directories are not replaced, and replace nothing")
    func directoriesAndFiles() throws {
        let shard = try ShardFixture()
        let file = try shard.makeFile("file")
        let one = try shard.makeDirectory("one", index: 1)
        let two = try shard.makeDirectory("two", index: 2)
        func rename(_ target: (id: InodeID, time: Timestamp), _ old: String, _ new: String)
            -> SameDirectoryRenameRequest
        {
            SameDirectoryRenameRequest(
                targetId: target.id, dirId: .root, oldName: old.bytes, oldCreationTime: target.time, newName: new.bytes)
        }
        try shard.expect(.cannotOverrideName, rename(file, "file", "one"))
        try shard.expect(.cannotOverrideName, rename(one, "one", "file"))
        try shard.expect(.cannotOverrideName, rename(one, "one", "two"))
        try shard.call(rename(two, "two", "three"))
        #expect(try shard.lookup("three").targetId == two.id)
        #expect(try shard.history("two").last?.targetId == InodeIDExtra(id: two.id, flag: false))
    }

    @Test("G.2 8: locked names are left alone, and shown")
    func lockedNames() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        let bar = try shard.makeFile("bar")
        try shard.call(
            LockCurrentEdgeRequest(dirId: .root, targetId: foo.id, creationTime: foo.time, name: "foo".bytes))
        try shard.expect(
            .nameIsLocked,
            SameDirectoryRenameRequest(
                targetId: bar.id, dirId: .root, oldName: "bar".bytes, oldCreationTime: bar.time, newName: "foo".bytes))
        try shard.expect(
            .edgeIsLocked,
            SoftUnlinkFileRequest(ownerId: .root, fileId: foo.id, name: "foo".bytes, creationTime: foo.time))
        #expect(try shard.lookup("foo").targetId == foo.id)
        #expect(try shard.history("foo").first?.targetId == InodeIDExtra(id: foo.id, flag: true))
    }

    @Test("G.2 19: undeleting a file")
    func resurrect() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        let deleted = try shard.unlink("foo", foo)
        func request(target: InodeID? = nil, time: Timestamp? = nil) -> SameDirectoryRenameSnapshotRequest {
            SameDirectoryRenameSnapshotRequest(
                targetId: target ?? foo.id, dirId: .root, oldName: "foo".bytes, oldCreationTime: time ?? foo.time,
                newName: "foo".bytes)
        }
        try shard.expect(.edgeNotFound, request(time: .zero))
        try shard.expect(.mismatchingTarget, request(target: .root))
        let created = try shard.call(request()).newCreationTime
        try shard.expect(.edgeNotOwned, request())
        #expect(try shard.lookup("foo") == LookupResponse(targetId: foo.id, creationTime: created))
        // The collector takes the old edge and the marker away; the file stays.
        for time in [foo.time, deleted] {
            try shard.call(
                RemoveNonOwnedEdgeRequest(dirId: .root, targetId: foo.id, name: "foo".bytes, creationTime: time))
        }
        #expect(try shard.edges().count == 1)
        #expect(try shard.call(StatFileRequest(id: foo.id)).size == 0)
    }

    @Test("G.2 20: owned edges are not removed as if they were mere history")
    func removeNonOwnedEdge() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        let deleted = try shard.unlink("foo", foo)
        func request(_ time: Timestamp, directory: InodeID = .root) -> RemoveNonOwnedEdgeRequest {
            RemoveNonOwnedEdgeRequest(dirId: directory, targetId: foo.id, name: "foo".bytes, creationTime: time)
        }
        try shard.expect(.typeIsNotDirectory, request(foo.time, directory: foo.id))
        try shard.expect(.edgeNotFound, request(foo.time))
        try shard.call(request(deleted))
        try shard.call(request(deleted))
        #expect(try shard.edges().count == 1)
    }

    @Test("G.2 24: two changes of a directory at one time")
    func equalTimes() throws {
        let shard = try ShardFixture()
        let one = try shard.construct()
        let two = try shard.construct()
        func entry(_ file: ShardFixture.OpenFile, _ name: String) -> ShardLogEntry {
            ShardLogEntry(
                time: shard.now, transientLifetimeNanoseconds: 1,
                action: .request(
                    .linkFile(LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: name.bytes))))
        }
        shard.tick()
        #expect(try shard.apply(entry(one, "one")) != .refused(.mtimeIsTooRecent))
        #expect(try shard.apply(entry(two, "two")) == .refused(.mtimeIsTooRecent))
        #expect(try shard.edges().count == 1)
        #expect(try shard.call(StatTransientFileRequest(id: two.id)).size == 0)
    }

    @Test("SET_TIME sets what it is told to")
    func setTime() throws {
        let shard = try ShardFixture()
        let foo = try shard.makeFile("foo")
        let flag: UInt64 = 1 << 63
        try shard.call(SetTimeRequest(id: foo.id, mtime: flag | 17, atime: 99))
        #expect(try shard.call(StatFileRequest(id: foo.id)).mtime.nanoseconds == 17)
        #expect(try shard.call(StatFileRequest(id: foo.id)).atime == foo.time)
        try shard.call(SetTimeRequest(id: foo.id, mtime: 0, atime: flag))
        #expect(try shard.call(StatFileRequest(id: foo.id)).atime == .zero)
        let open = try shard.construct()
        try shard.expect(.fileNotFound, SetTimeRequest(id: open.id, mtime: flag, atime: flag))
        try shard.expect(.typeIsDirectory, SetTimeRequest(id: .root, mtime: flag, atime: flag))
        let elsewhere = InodeID(type: .file, shard: ShardID(rawValue: 7), index: 1)
        try shard.expect(.badShard, SetTimeRequest(id: elsewhere, mtime: flag, atime: flag))
    }

    @Test("symbolic links are files with numbers of their own")
    func symlinks() throws {
        let shard = try ShardFixture(shard: 0)
        let link = try shard.construct(.symlink)
        #expect(link.id == InodeID(type: .symlink, shard: shard.shard, index: 1))
        #expect(try shard.construct().id == InodeID(type: .file, shard: shard.shard, index: 1))
        try shard.addInline(link, at: 0, "target".bytes)
        try shard.link(link, "link")
        #expect(try shard.call(StatFileRequest(id: link.id)).size == 6)
        try shard.expect(.typeIsDirectory, ConstructFileRequest(type: .directory, note: []))
    }
}
