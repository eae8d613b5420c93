import Protocol
import ShardCore
import Testing

/// A file keeps its number through all its versions, and the number leads to the newest.
@Suite("File numbers") struct FileNumberTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    @Test("every version has the number of the first, with and without snapshots, and over a restart")
    func chain() throws {
        let first = try shard.publishFirst()
        var version = first
        for round in 0..<6 {
            let body = [UInt8](repeating: 7, count: round + 1)
            version = try shard.publishNext(after: version, body: body, supersedes: round % 2 == 0)
            if round == 3 { try shard.restart() }
            let newest = try shard.newest(first)
            #expect(newest.id == version && newest.number == first && newest.size == UInt64(round + 1))
            #expect(try shard.stat(version) == newest)
        }
        #expect(try shard.history("a").count == 4)
        // Only the number leads to the newest one.
        try shard.expect(.fileNotFound, StatVersionRequest(id: version, newest: true))
    }

    @Test("it goes with the file when that is renamed")
    func renamed() throws {
        let first = try shard.publishFirst()
        let second = try shard.publishNext(after: first)
        try shard.call(
            SameDirectoryRenameRequest(
                targetId: second, dirId: .root, oldName: "a".bytes,
                oldCreationTime: try shard.lookup("a").creationTime, newName: "b".bytes))
        let third = try shard.publishNext(after: second, "b")
        #expect(try shard.newest(first).id == third)
    }

    @Test("times that are set leave it as it is")
    func setTime() throws {
        let first = try shard.publishFirst()
        let second = try shard.publishNext(after: first)
        try shard.call(SetTimeRequest(id: second, mtime: 1 << 63 | 5, atime: 1 << 63 | 6))
        let found = try shard.newest(first)
        #expect(found.id == second && found.mtime.nanoseconds == 5 && found.atime.nanoseconds == 6)
    }

    @Test("a file that replaces another one by name is a new one")
    func replaced() throws {
        let first = try shard.publishFirst()
        let other = try shard.construct()
        #expect(try shard.call(shard.publishing(other, over: first)).number == other.id)
        let old = try shard.construct()
        try shard.link(old, "a")
        #expect(try shard.stat(old.id).number == old.id)
        #expect(try shard.newest(first).id == first)
    }

    @Test("who claims the number of what he does not replace does not get it")
    func claimed() throws {
        let (first, other) = (try shard.publishFirst("a"), try shard.publishFirst("b"))
        let next = shard.laterFile(3)
        for claim in [other, next, InodeID(type: .symlink, shard: shard.shard, index: 1)] {
            let file = try shard.construct()
            #expect(try shard.call(shard.publishing(file, as: "c", number: claim)).number == file.id)
            let present = try shard.lookup("a").targetId
            let over = try shard.construct()
            #expect(try shard.call(shard.publishing(over, over: present, number: claim)).number == over.id)
        }
        #expect(try shard.newest(other).id == other)
        #expect(try shard.newest(first).id == first)
    }

    @Test("what was written once more gets the number of what was given up for it, and nobody else's")
    func givenUp() throws {
        let (first, second, open) = (try shard.construct(), try shard.construct(), try shard.construct())
        #expect(try shard.call(shard.publishing(second, as: "a", number: open.id)).number == second.id)
        try shard.call(ScrapTransientFileRequest(id: first.id, cookie: first.cookie))
        let third = try shard.construct()
        #expect(try shard.call(shard.publishing(third, as: "a", number: first.id)).number == first.id)
        #expect(try shard.newest(first.id).id == third.id)
        // It is a number like any other from now on.
        let fourth = try shard.publishNext(after: third.id)
        #expect(try shard.newest(first.id).id == fourth)
        let fifth = try shard.construct()
        #expect(try shard.call(shard.publishing(fifth, as: "b", number: first.id)).number == fifth.id)
    }

    @Test("a number from another shard is kept, of a file that was moved here")
    func moved() throws {
        let stranger = InodeID(type: .file, shard: ShardID(rawValue: 7), index: 12)
        let number = InodeID(type: .file, shard: ShardID(rawValue: 8), index: 3)
        let time = try shard.call(
            CreateLockedCurrentEdgeRequest(dirId: .root, name: "a".bytes, targetId: stranger, oldCreationTime: .zero)
        ).creationTime
        try shard.call(
            UnlockCurrentEdgeRequest(
                dirId: .root, name: "a".bytes, creationTime: time, targetId: stranger, wasMoved: false))
        let file = try shard.construct()
        let published = try shard.call(shard.publishing(file, over: stranger, number: number, supersedes: true))
        #expect(published.number == number)
        // What lies elsewhere cannot be superseded here.
        #expect(try shard.history("a").map(\.targetId.id) == [file.id, stranger])
        let next = try shard.publishNext(after: file.id)
        #expect(try shard.newest(number).id == next)
        // A number of this shard that was never given out would be that of a later file.
        let other = try shard.construct()
        let foreign = InodeID(type: .file, shard: ShardID(rawValue: 7), index: 13)
        try shard.replaceTarget("a", next, by: foreign)
        let claim = shard.laterFile(1)
        #expect(try shard.call(shard.publishing(other, over: foreign, number: claim)).number == other.id)
    }

    @Test("the number of a file that is gone leads nowhere, to its first version while that is kept")
    func gone() throws {
        let first = try shard.publishFirst()
        let second = try shard.publishNext(after: first)
        let third = try shard.publishNext(after: second)
        let times = try shard.history("a").map(\.creationTime)
        try shard.unlink("a", (third, times[0]))
        try shard.hardUnlink("a", third, times[0])
        #expect(try shard.newest(first).id == first)
        try shard.expect(.fileNotFound, StatVersionRequest(id: third, newest: false))
        try shard.hardUnlink("a", second, times[1])
        try shard.hardUnlink("a", first, times[2])
        try shard.expect(.fileNotFound, StatVersionRequest(id: first, newest: true))
    }

    @Test("older versions that are collected take nothing with them")
    func collected() throws {
        let first = try shard.publishFirst()
        let second = try shard.publishNext(after: first)
        let third = try shard.publishNext(after: second)
        let times = try shard.history("a").map(\.creationTime)
        try shard.hardUnlink("a", first, times[2])
        try shard.hardUnlink("a", second, times[1])
        try shard.call(RemoveInodeRequest(id: first))
        try shard.call(RemoveInodeRequest(id: second))
        #expect(try shard.newest(first).id == third)
        let fourth = try shard.publishNext(after: third, supersedes: true)
        #expect(try shard.newest(first).id == fourth)
    }

    @Test("a version that is brought back is a file of its own where its file has another one")
    func broughtBack() throws {
        let first = try shard.publishFirst()
        let second = try shard.publishNext(after: first, body: [2])
        let third = try shard.publishNext(after: second)
        let times = try shard.history("a").map(\.creationTime)
        // Beside its file, and over it.
        try shard.bringBack(first, "a", times[2], as: "b")
        try shard.bringBack(second, "a", times[1], as: "a")
        let (one, two) = (try shard.stat(first).number, try shard.stat(second).number)
        #expect(Set([one, two, first, second, third]).count == 5)
        #expect(try shard.newest(first).id == third)
        #expect(try shard.newest(one).id == first)
        #expect(try shard.newest(two) == (try shard.stat(second)))
        #expect(try shard.stat(second).size == 1)
        #expect(try shard.construct().id > max(one, two))
        // They have versions of their own from then on, and what is collected takes nothing with it.
        let next = try shard.publishNext(after: first, "b", supersedes: true)
        try shard.restart()
        #expect(try shard.newest(one).id == next)
        try shard.hardUnlink("a", third, times[0])
        try shard.expect(.fileNotFound, StatVersionRequest(id: first, newest: true))
        #expect(try shard.newest(two).id == second)
    }

    @Test("the newest version that is brought back is the file that it was")
    func newestBroughtBack() throws {
        let first = try shard.publishFirst()
        let start = try shard.lookup("a").creationTime
        try shard.unlink("a", (first, start))
        try shard.bringBack(first, "a", start, as: "a")
        #expect(try shard.stat(first).number == first)
        let second = try shard.publishNext(after: first)
        let time = try shard.lookup("a").creationTime
        try shard.unlink("a", (second, time))
        try shard.bringBack(second, "a", time, as: "b")
        #expect(try shard.stat(second).number == first)
        #expect(try shard.newest(first).id == second)
    }

    @Test("one that is brought back by an entry of an earlier version keeps its number")
    func broughtBackBefore() throws {
        let first = try shard.publishFirst()
        let time = try shard.lookup("a").creationTime
        let second = try shard.publishNext(after: first)
        let request = shard.bringingBack(first, "a", time, as: "b")
        _ = try shard.apply(
            ShardLogEntry(
                time: shard.tick(), clock: shard.now, transientLifetimeNanoseconds: ShardFixture.lifetime,
                keepsAttributes: true, action: .request(request.erased)))
        #expect(try shard.lookup("b").targetId == first)
        #expect(try shard.stat(first).number == first)
        #expect(try shard.newest(first).id == second)
    }

    @Test("directories and what does not exist have none")
    func nothing() throws {
        for newest in [false, true] {
            try shard.expect(.typeIsDirectory, StatVersionRequest(id: .root, newest: newest))
            try shard.expect(.fileNotFound, StatVersionRequest(id: shard.laterFile(1), newest: newest))
            try shard.expect(.fileNotFound, StatVersionRequest(id: try shard.construct().id, newest: newest))
        }
    }

    @Test("files with their own number cost what they did: no record beside their own")
    func costsNothing() throws {
        let file = try shard.publishFirst()
        let record = FileRecord(size: 0, mtime: .zero, atime: .zero)
        #expect(record.encodedSize == 25)
        let stored = shard.store.contents.filter { $0.count >= 2 && $0[1] == 12 }
        #expect(stored.isEmpty)
        #expect(try shard.stat(file).number == file)
    }
}

extension ShardFixture {
    /// An id that is given out much later.
    fileprivate func laterFile(_ files: UInt64) -> InodeID {
        InodeID(type: .file, shard: shard, index: UInt64(log.count) + 1000 + files)
    }

    fileprivate func hardUnlink(_ name: String, _ file: InodeID, _ time: Timestamp) throws {
        try call(
            SameShardHardFileUnlinkRequest(ownerId: .root, targetId: file, name: name.bytes, creationTime: time))
    }

    /// As the coordinator brings a file of another shard to a name.
    func replaceTarget(_ name: String, _ present: InodeID, by target: InodeID) throws {
        let since = try lookup(name).creationTime
        let time = try call(
            CreateLockedCurrentEdgeRequest(
                dirId: .root, name: name.bytes, targetId: target, oldCreationTime: since)
        ).creationTime
        try call(
            UnlockCurrentEdgeRequest(
                dirId: .root, name: name.bytes, creationTime: time, targetId: target, wasMoved: false))
    }
}
