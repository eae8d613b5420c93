import Protocol
import ShardCore
import Store
import Testing

/// What becomes of ownerships when a shard's list of them is full: nothing is refused, they stand in the inodes' own
/// records.
@Suite("A full list of ownerships") struct OwnershipLimitTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture(ownershipLimit: 3) }

    private func make(_ name: String, _ uid: UInt32) throws -> InodeID {
        try shard.publishFirst(name, shard.change(mode: 0o640, uid: uid))
    }

    private func place(_ file: InodeID) throws -> AttributesRecord.OwnershipPlace {
        let key = [shard.shard.rawValue, 2] + withUnsafeBytes(of: file.rawValue.bigEndian) { Array($0) }
        let record = try #require(try shard.store.get(key))
        return try FileRecord(decoding: record).attributes.ownership
    }

    private func listed() throws -> Int {
        try shard.records().keys.count { $0[1] == 13 }
    }

    @Test func whatDoesNotFitStandsInPlace() throws {
        let files = try (0..<6 as Range<UInt32>).map { try make("file\($0)", 100 + $0) }
        func expectAll() throws {
            #expect(
                try files.map { try shard.attributes($0).ownership.uid } == [100, 101, 102, 103, 104, 105])
        }
        try expectAll()
        #expect(try files.map(place) == (0..<3).map { .listed($0) }
            + (103..<106 as Range<UInt32>).map { .here(shard.ownership(0o640, $0)) })
        // What is listed is found there still, by who changes to it as by who makes something new.
        try shard.set(files[5], shard.change(uid: 101))
        #expect(try place(files[5]) == .listed(1))
        #expect(try place(make("again", 102)) == .listed(2))
        try shard.set(files[0], shard.change(uid: 200))
        #expect(try place(files[0]) == .here(shard.ownership(0o640, 200)))
        try shard.set(files[0], shard.change(uid: 100))
        try shard.set(files[5], shard.change(uid: 105))
        try shard.restart()
        try expectAll()
        try shard.set(files[4], shard.change(uid: 300))
        #expect(try place(files[4]) == .here(shard.ownership(0o640, 300)))
        #expect(try listed() == 3)
    }

    @Test func whatStandsInPlaceIsInherited() throws {
        let files = try (0..<4 as Range<UInt32>).map { try make("file\($0)", 100 + $0) }
        let next = try shard.publishNext(after: files[3], "file3", supersedes: true)
        #expect(try place(next) == .here(shard.ownership(0o640, 103)))
        #expect(try shard.attributes(next).ownership == shard.ownership(0o640, 103))
        let directory = try shard.makeDirectory("d", index: 1).id
        try shard.set(directory, shard.change(mode: 0o1777, gid: 5))
        #expect(try shard.attributes(directory).ownership == shard.ownership(0o1777, nil, 5))
    }

    @Test func collectionMakesNoRoom() throws {
        for number in 0..<3 as Range<UInt32> {
            let file = try make("file\(number)", 100 + number)
            try shard.destroy(file, named: "file\(number)", linkedAt: shard.lookup("file\(number)").creationTime)
            shard.tick()
            try shard.call(RemoveInodeRequest(id: file))
        }
        #expect(try listed() == 3)
        #expect(try place(make("next", 103)) == .here(shard.ownership(0o640, 103)))
        // Nor is any number given to another one.
        #expect(try place(make("first", 100)) == .listed(0))
    }

    @Test func aSecondReplicaSaysTheSame() throws {
        for number in 0..<6 as Range<UInt32> { _ = try make("file\(number)", 100 + number % 5) }
        let replica = try ShardFixture(checksInvariants: false, genesis: false, ownershipLimit: 3)
        for entry in shard.log { _ = try replica.apply(try ShardLogEntry(decoding: entry)) }
        #expect(try replica.records() == shard.records())
    }
}
