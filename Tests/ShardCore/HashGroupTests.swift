import Erasure
import Protocol
import ShardCore
import Simulator
import Testing

/// Names of one hash: no more than every client can list, and listings of what other versions let be made.
@Suite("Names of one hash") struct HashGroupTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    private func linkRequest(_ name: [UInt8]) throws -> LinkFileRequest {
        let file = try shard.construct()
        return LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: name)
    }

    /// Links new files, by the rules of the version given.
    private func link(_ numbers: Range<Int>, limited: Bool = true) throws {
        for number in numbers {
            let request = try linkRequest(CollidingNames.name(number))
            var entry = try shard.core.prepare(request.erased, at: shard.tick())
            if !limited { (entry.clock, entry.minimumHistoryAgeNanoseconds) = (nil, 0) }
            guard case .response = try shard.apply(entry) else {
                Issue.record("name \(number) was refused")
                return
            }
        }
    }

    private func currentNames() throws -> [[UInt8]] { try shard.edges().filter(\.current).map(\.name) }

    @Test func theyHaveOneHashAndFitIntoTheSmallestAnswer() {
        #expect(Set((0..<1000).map { NameHash(of: CollidingNames.name($0)) }).count == 1)
        #expect(Set((0..<1000).map(CollidingNames.name)).count == 1000)
        let longest = CurrentEdge(
            targetId: .root, nameHash: .zero, name: [UInt8](repeating: 1, count: 255), creationTime: .zero)
        // A datagram of 1472 bytes: protocol word, id, kind, slack for signed answers; next hash and count.
        #expect(ShardCore.largestHashGroup * longest.encodedSize <= 1472 - 37 - 10)
        #expect((ShardCore.largestHashGroup + 1) * longest.encodedSize > 1472 - 37 - 10)
    }

    @Test func noWayLeadsToOneMore() throws {
        try link(0..<ShardCore.largestHashGroup)
        let full = try currentNames()
        let sixth = CollidingNames.name(6)
        try shard.expect(.badName, try linkRequest(sixth))
        let file = try shard.construct()
        try shard.expect(
            .badName,
            LinkFileWithSpanRequest(
                fileId: file.id, cookie: file.cookie, storageClass: .inline, byteOffset: 0, size: 1,
                crc: CRC32C(of: [1]), body: [1], ownerId: .root, name: sixth))
        let other = try shard.makeFile("other")
        let rename = SameDirectoryRenameRequest(
            targetId: other.id, dirId: .root, oldName: "other".bytes, oldCreationTime: other.time, newName: sixth)
        try shard.expect(.badName, rename)
        let gone = try shard.makeFile("gone")
        try shard.unlink("gone", gone)
        try shard.expect(
            .badName,
            SameDirectoryRenameSnapshotRequest(
                targetId: gone.id, dirId: .root, oldName: "gone".bytes, oldCreationTime: gone.time, newName: sixth))
        let directory = InodeID(type: .directory, shard: shard.shard, index: 1)
        let lock = CreateLockedCurrentEdgeRequest(
            dirId: .root, name: sixth, targetId: directory, oldCreationTime: .zero)
        try shard.expect(.badName, lock)
        #expect(try Set(currentNames()) == Set(full + ["other".bytes]))

        // What is there may be replaced, and what goes makes room.
        try shard.call(try linkRequest(CollidingNames.name(0)))
        let first = try shard.call(LookupRequest(dirId: .root, name: CollidingNames.name(1)))
        try shard.call(
            SoftUnlinkFileRequest(
                ownerId: .root, fileId: first.targetId, name: CollidingNames.name(1), creationTime: first.creationTime))
        try shard.call(rename)
        try shard.expect(.badName, try linkRequest(CollidingNames.name(7)))
    }

    @Test func entriesOfEarlierVersionsAreCarriedOutAsTheyWereThen() throws {
        try link(0..<20, limited: false)
        #expect(try currentNames().count == 20)
        var entry = try shard.core.prepare(try linkRequest(CollidingNames.name(30)).erased, at: shard.now)
        #expect(try ShardLogEntry(decoding: entry.encoded()).limitsHashGroups)
        (entry.clock, entry.minimumHistoryAgeNanoseconds) = (nil, 0)
        let bytes = try entry.encoded()
        #expect(try bytes[0] == 2 && !ShardLogEntry(decoding: bytes).limitsHashGroups)
        #expect(try ShardLogEntry(decoding: bytes).encoded() == bytes)
    }

    @Test("who deletes what READ_DIR lists comes to an end", arguments: [0, 8972] as [UInt16])
    func deletingWhatIsListed(mtu: UInt16) throws {
        shard.checksInvariants = false
        try link(0..<300, limited: false)
        for number in 0..<50 { try shard.makeFile("other\(number)") }
        var rounds = 0
        while true {
            var listed: [CurrentEdge] = []
            var request = ReadDirRequest(dirId: .root, startHash: .zero, mtu: mtu)
            repeat {
                let page = try shard.call(request)
                #expect(page.nextHash == .zero || page.nextHash > request.startHash)
                listed += page.results
                request.startHash = page.nextHash
            } while request.startHash != .zero && listed.count <= 350
            guard !listed.isEmpty else { break }
            rounds += 1
            for edge in listed {
                try shard.call(
                    SoftUnlinkFileRequest(
                        ownerId: .root, fileId: edge.targetId, name: edge.name, creationTime: edge.creationTime))
            }
        }
        #expect(rounds > 1 && rounds < 20)
        #expect(try currentNames() == [])
        shard.expectInvariants()
    }
}
