import CoordinatorCore
import Protocol
import TestShards
import Testing

/// MAKE_DIRECTORY_WITH_ATTRIBUTES: a directory that is never seen without them.
@Suite("mkdir with attributes") struct AttributedDirectoryTests {
    private let cluster: Cluster

    init() throws { cluster = try Cluster(seed: 5) }

    private static let change = InodeAttributeChange(
        ownership: InodeOwnership(mode: 0o1777, uid: 7, gid: 8), mtime: 5 | 1 << 63, atime: 0, extended: [])

    private static func request(
        _ name: String, isExclusive: Bool = true, _ change: InodeAttributeChange = change
    ) -> AnyCdcRequest {
        .makeDirectoryWithAttributes(
            MakeDirectoryWithAttributesRequest(
                ownerId: .root, name: bytes(name), isExclusive: isExclusive, change: change))
    }

    private func make(_ request: AnyCdcRequest) throws -> InodeID {
        guard case .makeDirectoryWithAttributes(let made) = try cluster.call(request).get() else {
            throw ProtocolError.malformedResponse
        }
        return made.id
    }

    @Test func itBeginsWithThem() throws {
        let made = try make(Self.request("d"))
        let found = try cluster.shards.attributes(made)
        #expect(found.ownership == Self.change.ownership && found.userMtime.nanoseconds == 5)
        #expect(try cluster.shards.lookup(bytes("d"), in: .root).get().targetId == made)
        #expect(try cluster.violations() == [])
    }

    @Test func itIsExclusiveIfAsked() throws {
        let plain = try cluster.makeDirectory("d", in: .root).id
        #expect(try cluster.call(Self.request("d")).error == .cannotOverrideName)
        #expect(try make(Self.request("d", isExclusive: false)) == plain)
        #expect(try cluster.shards.attributes(plain).ownership == .default)
        #expect(try cluster.violations() == [])
    }

    @Test func withNothingToSayShardsAreAskedAsEver() throws {
        cluster.record = []
        _ = try make(Self.request("d", .nothing))
        let kinds = (cluster.record ?? []).compactMap { send -> ShardKind? in
            guard case .executeOnce(let envelope) = send.request else { return nil }
            return ShardKind(rawValue: envelope.kind)
        }
        #expect(kinds.contains(.createDirectoryInode) && !kinds.contains(.createDirectoryInodeWithAttributes))
    }

    @Test func whatCannotBeIsRefusedBeforeAnythingBegins() throws {
        cluster.record = []
        func expect(_ code: ProtocolError, _ change: InodeAttributeChange) throws {
            #expect(try cluster.call(Self.request("d", change)).error == code)
        }
        var change = InodeAttributeChange.nothing
        change.ownership.mode = 0o10000
        try expect(.malformedRequest, change)
        change = .nothing
        change.extended = [ExtendedAttributeChange(operation: .remove, name: bytes("user.a"), value: [])]
        try expect(.attributeNotFound, change)
        change.extended = (0..<3).map {
            ExtendedAttributeChange(operation: .set, name: [65 + $0], value: [UInt8](repeating: 0, count: 2000))
        }
        try expect(.attributesTooLarge, change)
        // It would have to travel on to the shard in one datagram, with more around it.
        change.extended = (0..<3).map { _ in
            ExtendedAttributeChange(operation: .set, name: [65], value: [UInt8](repeating: 0, count: 2500))
        }
        try expect(.attributesTooLarge, change)
        #expect(cluster.record?.isEmpty == true)
    }

    @Test func aCrashForgetsNoneOfThem() throws {
        let request = Self.request("d")
        let origin = cluster.submit(request)
        let inode = InodeID(rawValue: InodeID.root.rawValue + 1)
        while try cluster.shards.stat(inode).error != nil { try cluster.step() }
        cluster.packetsInFlight = .lost
        try cluster.crashNow()
        cluster.repeatRequest(request, from: origin, after: 50_000_000)
        try cluster.settle()
        let made = try cluster.shards.lookup(bytes("d"), in: .root).get().targetId
        #expect(try cluster.shards.attributes(made).ownership == Self.change.ownership)
        #expect(try cluster.violations() == [])
    }
}
