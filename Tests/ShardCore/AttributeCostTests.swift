import Protocol
import ShardCore
import Testing

/// What attributes take in the store.
@Suite("Bytes of attributes") struct AttributeCostTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture(checksInvariants: false) }

    private func bytes() throws -> Int { try shard.records().reduce(0) { $0 + $1.key.count + $1.value.count } }

    @Test func aDefaultTakesNone() throws {
        let file = FileRecord(size: 1, mtime: .zero, atime: .zero)
        let bytes = try file.encoded()
        #expect(file.encodedSize == 25 && bytes.count == 25 && bytes.first == 1)
        #expect(file.attributes.isEmpty && file.attributes.encodedSize == 0)
        let (mine, other) = (try ShardFixture(), try ShardFixture())
        for number in 0..<20 {
            let plain = try other.construct()
            try other.call(other.publishing(plain, as: "f\(number)"))
            let file = try mine.construct()
            try mine.call(mine.publishing(mine.publishing(file, as: "f\(number)"), inherits: number % 2 == 0))
        }
        #expect(try mine.records() == other.records())
    }

    @Test func anOwnershipIsListedOnce() throws {
        var sizes: [Int] = []
        for number in 0..<20 {
            let before = try bytes()
            _ = try shard.publishFirst("f\(number + 10)", shard.change(mode: 0o600, uid: 1, gid: 2))
            sizes.append(try bytes() - before)
        }
        let plain = try bytes()
        _ = try shard.publishFirst("g10", .nothing)
        // A byte of flags and four of the number.
        #expect(Set(sizes.dropFirst()) == [try bytes() - plain + 5])
        let before = try shard.records().count
        let file = try shard.publishFirst("h", shard.change(mode: 0o600, uid: 1, gid: 3))
        let other = try shard.records().count
        // Going back to what is known lists nothing.
        try shard.set(file, shard.change(gid: 2))
        try shard.set(file, shard.change(gid: 3))
        #expect(try shard.records().count == other)
        #expect(other == before + 2 + 2)
        try shard.restart()
        try shard.set(file, shard.change(gid: 2))
        #expect(try shard.records().count == other)
        shard.expectInvariants()
    }

    @Test func whatIsRefusedListsNothing() throws {
        let file = try shard.publishFirst()
        let before = try shard.records()
        try shard.expect(
            .attributeNotFound,
            SetAttributesRequest(id: file, change: shard.change(mode: 1, uid: 2, gid: 3, (.remove, "user.a", []))))
        #expect(try shard.records().count == before.count)
        try shard.set(file, shard.change(mode: 7))
        #expect(try shard.attributes(file).ownership == shard.ownership(7))
        shard.expectInvariants()
    }
}
