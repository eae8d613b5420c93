import Protocol
import ShardCore
import Store
import Testing

/// SET_ATTRIBUTES, STAT_ATTRIBUTES and EXTENDED_ATTRIBUTES.
@Suite("Attributes") struct AttributeTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    private func symlink() throws -> InodeID {
        let link = try shard.construct(.symlink)
        try shard.call(shard.publishing(link, as: "link", body: [65]))
        return link.id
    }

    @Test func whatNobodySetIsTheDefault() throws {
        let file = try shard.publishFirst(body: [1, 2])
        let found = try shard.attributes(file)
        let version = try shard.stat(file)
        #expect(found.id == file && found.number == version.number && found.size == 2)
        #expect(found.ownership == .default && found.kind == .none && found.device == 0 && found.holes == 0)
        #expect(found.extendedBytes == 0 && found.extendedVersion == .zero)
        #expect(found.mtime == version.mtime && found.userMtime == version.mtime && found.ctime == version.mtime)
        let directory = try shard.makeDirectory("d", index: 1)
        let stat = try shard.call(StatDirectoryRequest(id: directory.id))
        let made = try shard.attributes(directory.id)
        #expect(made.ownership == .default && made.mtime == stat.mtime && made.userMtime == stat.mtime)
        #expect(made.atime == stat.mtime && made.ctime == stat.mtime && made.number == .root)
        #expect(try shard.extended(file) == [])
        #expect(try shard.extended(directory.id) == [])
    }

    @Test func anyInodeKeepsWhatIsSet() throws {
        let directory = try shard.makeDirectory("d", index: 1).id
        for id in [try shard.publishFirst(), try symlink(), directory, .root] {
            let before = try shard.attributes(id)
            let done = try shard.set(id, shard.change(mode: 0o4755, gid: 9, (.set, "user.a", [1])))
            let found = try shard.attributes(id)
            #expect(done.id == id && done.ownership == shard.ownership(0o4755, nil, 9))
            #expect(found.ownership == done.ownership && found.ctime == done.ctime && done.ctime > before.ctime)
            // The change is none of the contents.
            #expect(found.mtime == before.mtime && found.userMtime == before.userMtime && found.atime == before.atime)
            #expect(try shard.extended(id) == [ExtendedAttribute(name: "user.a".bytes, value: [1])])
            // One thing after the other, and the rest stays.
            try shard.set(id, shard.change(uid: 5))
            try shard.set(id, shard.change(mode: 0))
            #expect(try shard.attributes(id).ownership == shard.ownership(0, 5, 9))
            #expect(try shard.extended(id).count == 1)
            try shard.set(id, shard.change((.remove, "user.a", [])))
            #expect(try shard.extended(id) == [])
            #expect(try shard.attributes(id).extendedBytes == 0)
        }
    }

    @Test func timesOfFilesAreTheFiles() throws {
        let file = try shard.publishFirst()
        let made = try shard.attributes(file)
        let done = try shard.set(file, shard.change(mtime: 5, atime: 6))
        let found = try shard.attributes(file)
        #expect(found.mtime.nanoseconds == 5 && found.userMtime.nanoseconds == 5 && found.atime.nanoseconds == 6)
        #expect(found.ctime == done.ctime && found.ctime > made.ctime)
        // An old client's change is one, too; what readers leave behind is none.
        try shard.call(SetTimeRequest(id: file, mtime: 7 | 1 << 63, atime: 0))
        let again = try shard.attributes(file)
        #expect(again.mtime.nanoseconds == 7 && again.ctime > done.ctime)
        try shard.call(SetTimeRequest(id: file, mtime: 0, atime: 8 | 1 << 63))
        #expect(try shard.attributes(file).ctime == again.ctime)
        #expect(try shard.attributes(file).atime.nanoseconds == 8)
    }

    @Test func timesOfDirectoriesCountUntilTheirEntriesChange() throws {
        let directory = try shard.makeDirectory("d", index: 1).id
        let version = try shard.attributes(directory).mtime
        let done = try shard.set(directory, shard.change(mtime: 5))
        var found = try shard.attributes(directory)
        #expect(found.userMtime.nanoseconds == 5 && found.atime == version && found.mtime == version)
        #expect(try shard.call(StatDirectoryRequest(id: directory)).mtime == version)
        #expect(found.ctime == done.ctime)
        try shard.set(directory, shard.change(atime: 6))
        found = try shard.attributes(directory)
        #expect(found.userMtime.nanoseconds == 5 && found.atime.nanoseconds == 6)
        let file = try shard.construct()
        let created = try shard.call(shard.publishing(file, as: "f", in: directory)).creationTime
        found = try shard.attributes(directory)
        #expect(found.mtime == created && found.userMtime == created && found.ctime == created)
        #expect(found.atime.nanoseconds == 6)
        // What is shown now is what an access time is set beside.
        try shard.set(directory, shard.change(atime: 7))
        #expect(try shard.attributes(directory).userMtime == created)
    }

    @Test func timesOfDirectoriesStayWhenTheirNamesDo() throws {
        let directory = try shard.makeDirectory("d", index: 1).id
        let file = try shard.construct()
        let created = try shard.call(shard.publishing(file, as: "f", in: directory)).creationTime
        try shard.set(directory, shard.change(mtime: 5, atime: 6))
        func expectKept(_ request: some ShardRPC) throws {
            let before = try shard.attributes(directory)
            try shard.call(request)
            let found = try shard.attributes(directory)
            #expect(found.userMtime.nanoseconds == 5 && found.atime.nanoseconds == 6, "\(request)")
            #expect(found.mtime > before.mtime, "who caches it has to look")
        }
        let lock = LockCurrentEdgeRequest(dirId: directory, targetId: file.id, creationTime: created, name: "f".bytes)
        try expectKept(lock)
        try expectKept(
            UnlockCurrentEdgeRequest(
                dirId: directory, name: "f".bytes, creationTime: created, targetId: file.id, wasMoved: false))
        try expectKept(SetDirectoryOwnerRequest(dirId: directory, ownerId: .root))
        try expectKept(SetDirectoryInfoRequest(id: directory, info: DirectoryInfo(entries: [])))
        let first = try shard.construct()
        try shard.call(shard.publishing(first, as: "g", in: directory))
        try shard.set(directory, shard.change(mtime: 5, atime: 6))
        try expectKept(
            shard.publishing(try shard.construct(), as: "g", in: directory, over: first.id, number: first.id))
        try expectKept(
            RemoveNonOwnedEdgeRequest(
                dirId: directory, targetId: .null, name: "gone".bytes, creationTime: created))
        try shard.call(lock)
        try shard.call(
            UnlockCurrentEdgeRequest(
                dirId: directory, name: "f".bytes, creationTime: created, targetId: file.id, wasMoved: true))
        let found = try shard.attributes(directory)
        #expect(found.userMtime == found.mtime, "a name has gone")
    }

    @Test func aRemovedDirectoryKeepsItsTimes() throws {
        let directory = try shard.makeDirectory("d", index: 1).id
        try shard.set(directory, shard.change(mtime: 5, atime: 6))
        let before = try shard.attributes(directory)
        try shard.call(RemoveDirectoryOwnerRequest(dirId: directory, info: DirectoryInfo(entries: [])))
        let found = try shard.attributes(directory)
        #expect(found.userMtime.nanoseconds == 5 && found.atime.nanoseconds == 6 && found.mtime > before.mtime)
    }

    @Test func whatIsAskedForIsBounded() throws {
        let file = try shard.publishFirst()
        func expect(_ code: ProtocolError, _ change: InodeAttributeChange) throws {
            try shard.expect(code, SetAttributesRequest(id: file, change: change))
        }
        let half = [UInt8](repeating: 1, count: AttributeLimits.extendedBytes / 2)
        try expect(.attributesTooLarge, shard.change((.set, "a", half), (.set, "b", half)))
        try expect(.malformedRequest, shard.change((.set, "a", half), (.remove, "a", [])))
        try expect(.malformedRequest, shard.change((.drop, "a", [1])))
        var removals = InodeAttributeChange.nothing
        removals.extended = (0..<1200).map { ExtendedAttributeChange(operation: .drop, name: "\($0)".bytes, value: []) }
        try expect(.attributesTooLarge, removals)
        // What is not there can be dropped, unlike removed.
        try shard.set(file, shard.change((.drop, "a", []), (.set, "b", [1])))
        try shard.set(file, shard.change((.drop, "b", [])))
        #expect(try shard.extended(file).isEmpty)
    }

    @Test func supersededVersionsMeanTheNewest() throws {
        let first = try shard.publishFirst()
        let second = try shard.publishNext(after: first, supersedes: true)
        let done = try shard.set(first, shard.change(mode: 0o700))
        #expect(done.id == second)
        #expect(try shard.attributes(second).ownership.mode == 0o700)
        #expect(try shard.attributes(first).ownership == .default)
        #expect(try shard.attributes(first, newest: true).id == second)
        // Snapshots are inodes of their own.
        let third = try shard.publishNext(after: second)
        #expect(try shard.set(second, shard.change(mode: 0o600)).id == second)
        #expect(try shard.attributes(third).ownership.mode == 0o700)
    }

    @Test func extendedAttributesAreCreatedReplacedAndRemoved() throws {
        let file = try shard.publishFirst()
        let set = { (change: InodeAttributeChange) in try self.shard.set(file, change) }
        try shard.expect(
            .attributeNotFound, SetAttributesRequest(id: file, change: shard.change((.replace, "user.a", [1]))))
        try shard.expect(
            .attributeNotFound, SetAttributesRequest(id: file, change: shard.change((.remove, "user.a", []))))
        _ = try set(shard.change((.create, "user.a", [1]), (.set, "user.b", [])))
        try shard.expect(
            .attributeExists, SetAttributesRequest(id: file, change: shard.change((.create, "user.a", [2]))))
        _ = try set(shard.change((.replace, "user.a", [3, 3]), (.create, "user.c", [4])))
        #expect(try shard.extended(file).map(\.value) == [[3, 3], [], [4]])
        // All or nothing.
        let before = try shard.attributes(file)
        let half = shard.change(mode: 0o777, mtime: 1, (.remove, "user.b", []), (.remove, "user.x", []))
        try shard.expect(.attributeNotFound, SetAttributesRequest(id: file, change: half))
        #expect(try shard.attributes(file) == before)
        _ = try set(shard.change((.remove, "user.a", []), (.set, "user.c", [5])))
        #expect(try shard.extended(file).map(\.name) == ["user.b".bytes, "user.c".bytes])
        #expect(try shard.attributes(file).extendedVersion > before.extendedVersion)
        // What does not touch them leaves their version.
        let version = try shard.attributes(file).extendedVersion
        _ = try set(shard.change(mode: 0o700))
        #expect(try shard.attributes(file).extendedVersion == version)
    }

    @Test func moreThanAFilesystemTakesIsRefused() throws {
        let file = try shard.publishFirst()
        func expect(_ code: ProtocolError, _ change: InodeAttributeChange) throws {
            try shard.expect(code, SetAttributesRequest(id: file, change: change))
        }
        let room = AttributeLimits.extendedBytes - AttributeLimits.extendedOverhead - 1
        try expect(.attributesTooLarge, shard.change((.set, "a", [UInt8](repeating: 1, count: room + 1))))
        try shard.set(file, shard.change((.set, "a", [UInt8](repeating: 1, count: room))))
        try expect(.attributesTooLarge, shard.change((.set, "b", [])))
        try shard.set(file, shard.change((.remove, "a", []), (.set, "b", [])))
        // A change that would do in the end, but in too many steps for a datagram.
        let value = [UInt8](repeating: 1, count: 3000)
        try expect(.attributesTooLarge, shard.change((.set, "b", value), (.set, "b", value), (.set, "b", value)))
        // As many as fit, with the longest names, in one request and in pages.
        let names = (0..<14).map { String(repeating: Character(UnicodeScalar(97 + UInt8($0))), count: 255) }
        var change = InodeAttributeChange.nothing
        change.extended = names.map { ExtendedAttributeChange(operation: .set, name: $0.bytes, value: [7]) }
        try shard.set(file, change)
        for mtu in [0, 576, 1472, 8972, UInt16.max] {
            #expect(try shard.extended(file, mtu: mtu).map(\.name) == ["b".bytes] + names.map(\.bytes))
        }
        let page = try shard.call(ExtendedAttributesRequest(id: file, offset: 0, mtu: 0))
        let found = try shard.attributes(file)
        #expect(page.part.count < page.total && page.version == found.extendedVersion)
        #expect(page.total == found.extendedBytes)
        for offset in [page.total, page.total + 1, .max] {
            #expect(try shard.call(ExtendedAttributesRequest(id: file, offset: offset, mtu: 0)).part == [])
        }
    }

    @Test func nonsenseIsRefused() throws {
        let file = try shard.publishFirst()
        func expect(_ code: ProtocolError, _ id: InodeID, _ change: InodeAttributeChange) throws {
            try shard.expect(code, SetAttributesRequest(id: id, change: change))
        }
        try expect(.malformedRequest, file, shard.change(mode: 0o10000))
        try expect(.malformedRequest, file, shard.change((.set, "", [])))
        try expect(.malformedRequest, file, shard.change((.set, "a\0b", [])))
        try expect(.typeIsDirectory, .null, .nothing)
        let foreign = ShardID(rawValue: 9)
        try expect(.badShard, InodeID(type: .file, shard: foreign, index: 1), .nothing)
        try expect(.badShard, InodeID(type: .directory, shard: foreign, index: 1), .nothing)
        try expect(.fileNotFound, InodeID(type: .file, shard: shard.shard, index: 99), .nothing)
        try expect(.directoryNotFound, InodeID(type: .directory, shard: shard.shard, index: 99), .nothing)
        let open = try shard.construct()
        try expect(.fileNotFound, open.id, shard.change(mode: 1))
        try shard.expect(.fileNotFound, StatAttributesRequest(id: open.id, newest: false))
        try shard.expect(.fileNotFound, StatAttributesRequest(id: .null, newest: true))
        try shard.expect(.fileNotFound, ExtendedAttributesRequest(id: .null, offset: 0, mtu: 0))
        try shard.expect(.fileNotFound, ExtendedAttributesRequest(id: open.id, offset: 0, mtu: 0))
    }

    @Test func aLateCopyTurnsNothingBack() throws {
        let file = try shard.publishFirst()
        let early = SetAttributesRequest(id: file, change: shard.change(mode: 0o777, (.create, "user.a", [1])))
        let answer = try shard.reply(.setAttributes(early), requestID: 77)
        try shard.set(file, shard.change(mode: 0o600, (.remove, "user.a", [])))
        let now = try shard.attributes(file)
        #expect(try shard.reply(.setAttributes(early), requestID: 77) == answer)
        #expect(try shard.attributes(file) == now)
        #expect(try shard.extended(file) == [])
    }

    @Test func directoriesBeginWithTheirAttributes() throws {
        let id = InodeID(type: .directory, shard: shard.shard, index: 7)
        let request = CreateDirectoryInodeWithAttributesRequest(
            creation: CreateDirectoryInodeRequest(id: id, ownerId: .root, info: DirectoryInfo(entries: [])),
            change: shard.change(mode: 0o2750, uid: 1, gid: 2, mtime: 3, (.set, "user.a", [4])))
        try shard.expect(
            .malformedRequest,
            CreateDirectoryInodeWithAttributesRequest(
                creation: request.creation, change: shard.change(mode: .max - 1)))
        let made = try shard.call(request).mtime
        let found = try shard.attributes(id)
        #expect(found.mtime == made && found.userMtime.nanoseconds == 3 && found.ctime == made)
        #expect(found.ownership == shard.ownership(0o2750, 1, 2))
        #expect(try shard.extended(id).map(\.value) == [[4]])
        // One that is there keeps its own.
        var other = request
        other.change = shard.change(mode: 0o777)
        #expect(try shard.call(other).mtime == .zero)
        #expect(try shard.attributes(id) == found)
        // With the inode goes what was kept of it.
        let before = try shard.records()
        try shard.call(RemoveDirectoryOwnerRequest(dirId: id, info: DirectoryInfo(entries: [])))
        #expect(try shard.attributes(id).ownership == found.ownership)
        try shard.call(RemoveInodeRequest(id: id))
        try shard.expect(.directoryNotFound, StatAttributesRequest(id: id, newest: false))
        #expect(try shard.records().count < before.count)
        shard.expectInvariants()
    }

    @Test func directoriesRememberWhereTheyWere() throws {
        let (open, closed) = (try shard.makeDirectory("p", index: 1).id, try shard.makeDirectory("q", index: 2).id)
        let id = InodeID(type: .directory, shard: shard.shard, index: 7)
        try shard.call(CreateDirectoryInodeRequest(id: id, ownerId: open, info: DirectoryInfo(entries: [])))
        #expect(try shard.attributes(id).number == open)
        try shard.call(SetDirectoryOwnerRequest(dirId: id, ownerId: closed))
        #expect(try shard.attributes(id).number == closed)
        let request = RemoveDirectoryOwnerRequest(dirId: id, info: DirectoryInfo(entries: []))
        try shard.call(request)
        try shard.call(request)
        try shard.restart()
        #expect(try shard.attributes(id).number == closed)
        #expect(try shard.call(StatDirectoryRequest(id: id)).owner.isNull)
        #expect(try shard.attributes(.root).number.isNull)
        shard.expectInvariants()
    }

    @Test func aSecondReplicaAndARestartSeeTheSame() throws {
        let directory = try shard.makeDirectory("d", index: 1).id
        let file = try shard.publishFirst("a", shard.change(mode: 0o640, uid: 3, (.set, "user.a", [1])))
        try shard.set(directory, shard.change(mode: 0o711, mtime: 9))
        let next = try shard.publishNext(after: file, supersedes: true)
        try shard.restart()
        #expect(try shard.attributes(next).ownership == shard.ownership(0o640, 3))
        try shard.set(next, shard.change(gid: 4))
        let replica = try ShardFixture(store: MemoryStore(), checksInvariants: false, genesis: false)
        for entry in shard.log { _ = try replica.apply(try ShardLogEntry(decoding: entry)) }
        #expect(try replica.records() == shard.records())
    }
}
