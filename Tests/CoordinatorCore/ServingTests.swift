import CoordinatorCore
import Protocol
import TestShards
import Testing

/// How clients are served: bad input, repetitions, what waits for what, and what it costs.
@Suite struct ServingTests {
    private let cluster: Cluster

    init() throws { cluster = try Cluster(seed: 3) }

    private static let file = InodeID(type: .file, shard: ShardID(rawValue: 1), index: 1)
    private static let directory = InodeID(type: .directory, shard: ShardID(rawValue: 1), index: 1)
    private static let third = InodeID(type: .directory, shard: ShardID(rawValue: 9), index: 1)
    private static let other = InodeID(type: .directory, shard: ShardID(rawValue: 2), index: 1)

    private static func make(_ owner: InodeID, _ name: [UInt8]) -> AnyCdcRequest {
        .makeDirectory(MakeDirectoryRequest(ownerId: owner, name: name))
    }

    private static func rename(
        _ target: InodeID, _ old: InodeID, _ new: InodeID, _ name: [UInt8], isDirectory: Bool
    ) -> AnyCdcRequest {
        isDirectory
            ? .renameDirectory(
                RenameDirectoryRequest(
                    targetId: target, oldOwnerId: old, oldName: [1], oldCreationTime: .zero, newOwnerId: new,
                    newName: name))
            : .renameFile(
                RenameFileRequest(
                    targetId: target, oldOwnerId: old, oldName: [1], oldCreationTime: .zero, newOwnerId: new,
                    newName: name))
    }

    private static func replace(
        _ target: InodeID, in old: InodeID, _ replaced: InodeID, in new: InodeID, _ name: [UInt8]
    ) -> AnyCdcRequest {
        .replaceDirectory(
            ReplaceDirectoryRequest(
                targetId: target, oldOwnerId: old, oldName: [1], oldCreationTime: .zero, newOwnerId: new, newName: name,
                replacedId: replaced, replacedCreationTime: .zero))
    }

    static let refusals: [(AnyCdcRequest, ProtocolError)] = [
        (.makeDirectoryExclusive(MakeDirectoryExclusiveRequest(ownerId: file, name: [1])), .typeIsNotDirectory),
        (.makeDirectoryExclusive(MakeDirectoryExclusiveRequest(ownerId: .root, name: [])), .badName),
        (replace(.null, in: .root, other, in: .root, [2]), .malformedRequest),
        (replace(other, in: .root, .null, in: .root, [2]), .malformedRequest),
        (replace(file, in: .root, other, in: .root, [2]), .typeIsNotDirectory),
        (replace(other, in: .root, file, in: .root, [2]), .typeIsNotDirectory),
        (replace(other, in: file, directory, in: .root, [2]), .typeIsNotDirectory),
        (replace(other, in: .root, directory, in: .root, [1]), .sameSourceAndDestination),
        (replace(other, in: .root, other, in: .root, [2]), .sameSourceAndDestination),
        (replace(other, in: .root, .root, in: .root, [2]), .cannotRemoveRootDirectory),
        (replace(other, in: .root, directory, in: .root, bytes(".")), .badName),
        (replace(.root, in: other, directory, in: .root, [2]), .loopInDirectoryRename),
        (replace(other, in: .root, directory, in: other, [2]), .loopInDirectoryRename),
        (replace(other, in: .root, .root, in: directory, [2]), .cannotRemoveRootDirectory),
        (replace(third, in: .root, other, in: directory, [2]), .newDirectoryNotFound),
        (make(file, [1]), .typeIsNotDirectory),
        (make(.null, [1]), .typeIsNotDirectory),
        (make(.root, []), .badName),
        (make(.root, Array(".".utf8)), .badName),
        (make(.root, Array("..".utf8)), .badName),
        (make(.root, Array("a/b".utf8)), .badName),
        (make(.root, [65, 0]), .badName),
        (rename(.null, directory, other, [1], isDirectory: false), .malformedRequest),
        (rename(directory, directory, other, [1], isDirectory: false), .typeIsNotDirectory),
        (rename(file, directory, directory, [1], isDirectory: false), .sameDirectories),
        (rename(file, file, other, [1], isDirectory: false), .typeIsNotDirectory),
        (rename(file, directory, other, [], isDirectory: false), .badName),
        (rename(file, directory, other, [1], isDirectory: true), .typeIsNotDirectory),
        (rename(directory, other, other, [1], isDirectory: true), .sameDirectories),
        (rename(directory, .root, other, [1], isDirectory: true), .newDirectoryNotFound),
        (rename(.root, directory, .root, [1], isDirectory: true), .loopInDirectoryRename),
        (
            .softUnlinkDirectory(
                SoftUnlinkDirectoryRequest(ownerId: .root, targetId: file, creationTime: .zero, name: [1])),
            .typeIsNotDirectory
        ),
        (
            .softUnlinkDirectory(
                SoftUnlinkDirectoryRequest(ownerId: directory, targetId: .root, creationTime: .zero, name: [1])),
            .cannotRemoveRootDirectory
        ),
        (.hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: .root)), .cannotRemoveRootDirectory),
        (.hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: file)), .typeIsNotDirectory),
        (.hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: .null)), .typeIsNotDirectory),
        (
            .crossShardHardUnlinkFile(
                CrossShardHardUnlinkFileRequest(ownerId: directory, targetId: file, name: [1], creationTime: .zero)),
            .sameShard
        ),
        (
            .crossShardHardUnlinkFile(
                CrossShardHardUnlinkFileRequest(ownerId: other, targetId: directory, name: [1], creationTime: .zero)),
            .typeIsDirectory
        ),
        (
            .crossShardHardUnlinkFile(
                CrossShardHardUnlinkFileRequest(ownerId: other, targetId: file, name: [], creationTime: .zero)),
            .badName
        ),
        (
            .softUnlinkDirectory(
                SoftUnlinkDirectoryRequest(
                    ownerId: other, targetId: directory, creationTime: .zero, name: Array("a/b".utf8))),
            .badName
        ),
        (
            .renameFile(
                RenameFileRequest(
                    targetId: file, oldOwnerId: directory, oldName: Array("..".utf8), oldCreationTime: .zero,
                    newOwnerId: other, newName: [1])),
            .badName
        ),
        (
            .renameDirectory(
                RenameDirectoryRequest(
                    targetId: directory, oldOwnerId: .root, oldName: [], oldCreationTime: .zero, newOwnerId: other,
                    newName: [1])),
            .badName
        ),
    ]

    @Test(arguments: refusals.indices) func nonsenseIsRefusedWithoutARecord(_ index: Int) throws {
        let (request, error) = Self.refusals[index]
        try cluster.settle()
        let before = cluster.coordinator.statistics.logRecords
        #expect(try cluster.call(request).error == error)
        #expect(cluster.coordinator.statistics.logRecords == before)
        #expect(cluster.shards.writes == 0)
    }

    @Test func repetitionsAreAnsweredOnceAndTheSame() throws {
        let request = Self.make(.root, bytes("d"))
        let origin = cluster.submit(request)
        for delay in 1...5 as ClosedRange<UInt64> {
            cluster.repeatRequest(request, from: origin, after: delay * 100_000)
        }
        try cluster.settle()
        let answers = try #require(cluster.replies[origin])
        #expect(Set(answers.map { "\($0)" }).count == 1)
        let directory = try cluster.shards.lookup(bytes("d"), in: .root).get()
        // Long after it is gone, a repetition must not make it again.
        #expect(try cluster.remove("d", in: .root).error == nil)
        cluster.repeatRequest(request, from: origin)
        try cluster.settle()
        #expect(try cluster.shards.lookup(bytes("d"), in: .root).error == .nameNotFound)
        #expect(try cluster.shards.stat(directory.targetId).get().owner == .null)
        #expect(try cluster.violations() == [])
    }

    /// Found by simulation (a slow disk): the record of the answer was still on its way to the log.
    @Test func aCopyThatComesRightAfterTheAnswerIsNoNewRequest() throws {
        let request = Self.make(.root, bytes("d"))
        let origin = cluster.submit(request)
        while cluster.replies[origin] == nil { try cluster.step() }
        let removal = cluster.submit(try cluster.removeRequest("d", in: .root))
        cluster.repeatRequest(request, from: origin)
        try cluster.settle()
        #expect(cluster.replies[removal]?.first?.error == nil)
        #expect(try cluster.shards.lookup(bytes("d"), in: .root).error == .nameNotFound)
        #expect(cluster.replies[origin]?.count == 2)
        #expect(try cluster.violations() == [])
    }

    @Test func requestsWithoutAnIdAreNeverRepetitions() throws {
        let origin = RequestOrigin(source: 77, requestID: 0)
        for name in ["a", "b", "c/d"] {
            cluster.repeatRequest(Self.make(.root, bytes(name)), from: origin)
            cluster.repeatRequest(Self.make(.root, bytes(name + "2")), from: origin)
            try cluster.settle()
        }
        _ = try cluster.shards.makeFile(bytes("f"), in: cluster.shards.lookup(bytes("a"), in: .root).get().targetId)
        let left = try cluster.shards.lookup(bytes("a"), in: .root).get().targetId
        for name in ["f", "a2"] {
            let owner = name == "f" ? left : .root
            let destination = name == "f" ? InodeID.root : left
            cluster.repeatRequest(try cluster.renameRequest(name, from: owner, to: destination, as: name), from: origin)
        }
        try cluster.settle()
        for name in ["a", "b", "b2", "f"] {
            #expect(try cluster.shards.lookup(bytes(name), in: .root).error == nil)
        }
        #expect(try cluster.shards.lookup(bytes("a2"), in: left).error == nil)
        #expect(cluster.replies[origin] == nil)
        #expect(try cluster.violations() == [])
    }

    @Test func finishedRenameAnswersItsRepetition() throws {
        let left = try cluster.makeDirectory("l", in: .root).id
        _ = try cluster.shards.makeFile(bytes("f"), in: left)
        let request = try cluster.renameRequest("f", from: left, to: .root, as: "g")
        let origin = cluster.submit(request)
        try cluster.settle()
        try cluster.crashNow()
        cluster.repeatRequest(request, from: origin)
        try cluster.settle()
        #expect(cluster.replies[origin]?.count == 2)
        #expect(cluster.replies[origin]?.allSatisfy { $0.error == nil } == true)
    }

    /// The log rounds that a client waits for, beside those at the shards (README.md).
    @Test func logRoundsBeforeTheAnswer() throws {
        let left = try cluster.makeDirectory("l", in: .root).id
        _ = try cluster.makeDirectory("d", in: left)
        _ = try cluster.makeDirectory("e", in: left)
        _ = try cluster.shards.makeFile(bytes("f"), in: left)
        #expect(try entriesUntilAnswer(Self.make(left, bytes("new"))) == 1)
        #expect(try entriesUntilAnswer(Self.make(left, bytes("new"))) == 1)
        #expect(try entriesUntilAnswer(cluster.renameRequest("f", from: left, to: .root, as: "g")) == 1)
        #expect(try entriesUntilAnswer(cluster.renameRequest("d", from: left, to: .root, as: "d")) == 1)
        _ = try cluster.makeDirectory("d", in: left)
        #expect(try entriesUntilAnswer(cluster.replaceRequest("d", from: left, to: .root, as: "d")) == 1)
        #expect(try entriesUntilAnswer(cluster.removeRequest("e", in: left)) == 1)
    }

    private func entriesUntilAnswer(_ request: AnyCdcRequest) throws -> UInt64 {
        try cluster.settle()
        let before = cluster.coordinator.statistics.logEntries
        let origin = cluster.submit(request)
        while cluster.replies[origin] == nil { try cluster.step() }
        return cluster.coordinator.statistics.logEntries - before
    }

    @Test func oneSlowNameHoldsNobodyElseUp() throws {
        // The shard of the first directory's inode is silent; another name of the same parent goes ahead.
        let first = cluster.submit(Self.make(.root, bytes("slow")))
        cluster.silentShards = [ShardID(rawValue: 1)]
        let second = cluster.submit(Self.make(.root, bytes("quick")), after: 10_000_000)
        while cluster.replies[second] == nil { try cluster.step() }
        #expect(cluster.replies[first] == nil)
        cluster.silentShards = []
        try cluster.settle()
        #expect(cluster.replies[first]?.first?.error == nil)
        #expect(cluster.coordinator.statistics.shardRequestsRepeated > 0)
        #expect(try cluster.violations() == [])
    }

    @Test func noAnswerOfAShardStopsTheCoordinator() throws {
        // Every code that a shard sends about directories and names, and some that nobody has defined yet.
        for code in Array(10...60) + [91, 120, 9999] as [UInt16] {
            let error = ProtocolError(rawValue: code)
            let cluster = try Cluster(seed: UInt64(code))
            let left = try cluster.makeDirectory("l", in: .root).id
            let child = try cluster.makeDirectory("c", in: left)
            for name in ["d", "e"] { _ = try cluster.makeDirectory(name, in: left) }
            _ = try cluster.shards.makeFile(bytes("f"), in: left)
            let requests = try [
                Self.make(left, bytes("new")),
                .makeDirectoryExclusive(MakeDirectoryExclusiveRequest(ownerId: left, name: bytes("other"))),
                cluster.renameRequest("f", from: left, to: .root, as: "f"),
                cluster.renameRequest("c", from: left, to: .root, as: "c"),
                cluster.replaceRequest("d", from: left, to: left, as: "e"),
                .hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: child.id)),
            ]
            cluster.injectedError = error
            let origins = requests.map { cluster.submit($0) }
            for _ in 0..<400 { try cluster.step() }
            cluster.injectedError = nil
            try cluster.settle()
            for origin in origins { #expect(cluster.replies[origin]?.isEmpty == false) }
            #expect(try cluster.makeDirectory("after", in: .root).id.isDirectory)
        }
    }
}
