import CoordinatorCore
import Protocol
import TestShards
import Testing

/// Every kind of transaction, crashed at every point (spec D.9): whole or gone, nothing locked, nothing forgotten.
@Suite struct CrashMatrixTests {
    enum Kind: CaseIterable {
        case makeDirectory, makeDirectoryOverFile, makeExclusive, makeExclusiveRefused, makeExclusiveOverFile
        case makeWithAttributes
        case renameFile, renameFileOverFile, renameFileRefused, renameDirectory, renameDirectoryRefused
        case replaceDirectory, replaceDirectoryInPlace, replaceDirectoryRefused
        case removeDirectory, removeDirectoryRefused, hardUnlinkDirectory, crossShardHardUnlink
    }

    /// What may survive of the moment of the crash.
    struct Moment: CustomStringConvertible {
        var isBeforeEvent: Bool
        var packets: Cluster.PacketsInFlight
        var proposalsSurvive: Bool

        static let all: [Moment] = [true, false].flatMap { before in
            [.arriveAtOnce, .lost, .arriveLate].flatMap { packets in
                [true, false].map { Moment(isBeforeEvent: before, packets: packets, proposalsSurvive: $0) }
            }
        }

        var description: String {
            "\(isBeforeEvent ? "before" : "after"), packets \(packets), proposals \(proposalsSurvive)"
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Kind.allCases) func everyCrashPoint(_ kind: Kind) throws {
        let scene = try Scene(kind)
        let start = scene.cluster.coordinatorEvents
        let expected = try scene.run()
        let events = scene.cluster.coordinatorEvents - start
        #expect(events > 0)
        #expect(try scene.violations() == [])
        for moment in Moment.all {
            for point in 1...events {
                try crash(kind, at: point, moment, expected)
            }
        }
    }

    private func crash(
        _ kind: Kind, at point: Int, _ moment: Moment, _ expected: Result<AnyCdcResponse, ProtocolError>
    ) throws {
        let scene = try Scene(kind)
        let cluster = scene.cluster
        let target = cluster.coordinatorEvents + point
        cluster.packetsInFlight = moment.packets
        cluster.survivingProposals = { moment.proposalsSurvive ? $0 : 0 }
        if moment.isBeforeEvent {
            cluster.crashBefore = { $0 == target }
        } else {
            cluster.crashAfter = { $0 == target }
        }
        let outcome = try scene.run()
        let comment = Comment(rawValue: "\(kind) crashed at event \(point), \(moment)")
        #expect(try scene.violations() == [], comment)
        #expect(cluster.coordinator.transactionCount == 0, comment)
        #expect(scene.accepts(outcome, insteadOf: expected), "\(comment): \(outcome)")
        #expect(cluster.alarms == [], comment)
    }
}

/// A small tree and one request on it.
private struct Scene {
    let kind: CrashMatrixTests.Kind
    let cluster: Cluster
    private var request: AnyCdcRequest
    private var left = InodeID.null
    private var right = InodeID.null

    init(_ kind: CrashMatrixTests.Kind) throws {
        self.kind = kind
        cluster = try Cluster(seed: 7, sequenceReservation: 8)
        request = .hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: .root))
        left = try cluster.makeDirectory("left", in: .root).id
        right = try cluster.makeDirectory("right", in: .root).id
        request = try prepare()
    }

    private func prepare() throws -> AnyCdcRequest {
        let shards = cluster.shards
        switch kind {
        case .makeDirectory:
            return .makeDirectory(MakeDirectoryRequest(ownerId: left, name: bytes("new")))
        case .makeDirectoryOverFile:
            _ = try shards.makeFile(bytes("new"), in: left)
            return .makeDirectory(MakeDirectoryRequest(ownerId: left, name: bytes("new")))
        case .makeExclusive, .makeExclusiveRefused, .makeExclusiveOverFile:
            if kind == .makeExclusiveRefused { _ = try cluster.makeDirectory("new", in: left) }
            if kind == .makeExclusiveOverFile { _ = try shards.makeFile(bytes("new"), in: left) }
            return .makeDirectoryExclusive(MakeDirectoryExclusiveRequest(ownerId: left, name: bytes("new")))
        case .makeWithAttributes:
            return .makeDirectoryWithAttributes(
                MakeDirectoryWithAttributesRequest(
                    ownerId: left, name: bytes("new"), isExclusive: true, change: Self.change))
        case .renameFile, .renameFileOverFile, .renameFileRefused:
            let file = try #require(try shards.makeFile(bytes("file"), in: left))
            if kind == .renameFileOverFile { _ = try shards.makeFile(bytes("there"), in: right) }
            if kind == .renameFileRefused { _ = try cluster.makeDirectory("there", in: right) }
            return .renameFile(
                RenameFileRequest(
                    targetId: file.id, oldOwnerId: left, oldName: bytes("file"), oldCreationTime: file.time,
                    newOwnerId: right, newName: bytes("there")))
        case .renameDirectory, .renameDirectoryRefused:
            let child = try cluster.makeDirectory("child", in: left)
            if kind == .renameDirectoryRefused { _ = try shards.makeFile(bytes("there"), in: right) }
            return .renameDirectory(
                RenameDirectoryRequest(
                    targetId: child.id, oldOwnerId: left, oldName: bytes("child"), oldCreationTime: child.creationTime,
                    newOwnerId: right, newName: bytes("there")))
        case .replaceDirectory, .replaceDirectoryInPlace, .replaceDirectoryRefused:
            let child = try cluster.makeDirectory("child", in: left)
            _ = try shards.makeFile(bytes("inside"), in: child.id)
            let owner = kind == .replaceDirectoryInPlace ? left : right
            let there = try cluster.makeDirectory("there", in: owner)
            if kind == .replaceDirectoryRefused { _ = try shards.makeFile(bytes("inside"), in: there.id) }
            return try cluster.replaceRequest("child", from: left, to: owner, as: "there")
        case .removeDirectory, .removeDirectoryRefused:
            let child = try cluster.makeDirectory("child", in: left)
            if kind == .removeDirectoryRefused { _ = try shards.makeFile(bytes("inside"), in: child.id) }
            return .softUnlinkDirectory(
                SoftUnlinkDirectoryRequest(
                    ownerId: left, targetId: child.id, creationTime: child.creationTime, name: bytes("child")))
        case .hardUnlinkDirectory:
            let child = try cluster.makeDirectory("child", in: left)
            _ = try cluster.call(
                .softUnlinkDirectory(
                    SoftUnlinkDirectoryRequest(
                        ownerId: left, targetId: child.id, creationTime: child.creationTime, name: bytes("child")))
            ).get()
            return .hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: child.id))
        case .crossShardHardUnlink:
            return try prepareHardUnlink()
        }
    }

    /// A file of one shard whose last edge is history in another.
    private func prepareHardUnlink() throws -> AnyCdcRequest {
        let shards = cluster.shards
        let file = try #require(try shards.makeFile(bytes("file"), in: left))
        let moved = try cluster.call(
            .renameFile(
                RenameFileRequest(
                    targetId: file.id, oldOwnerId: left, oldName: bytes("file"), oldCreationTime: file.time,
                    newOwnerId: right, newName: bytes("file")))
        ).get()
        guard case .renameFile(let response) = moved else { throw ProtocolError.malformedResponse }
        let edge = LookupResponse(targetId: file.id, creationTime: response.creationTime)
        _ = try shards.unlink(edge, bytes("file"), in: right).get()
        return .crossShardHardUnlinkFile(
            CrossShardHardUnlinkFileRequest(
                ownerId: right, targetId: file.id, name: bytes("file"), creationTime: response.creationTime))
    }

    func run() throws -> Result<AnyCdcResponse, ProtocolError> { try cluster.call(request) }

    private static let change = InodeAttributeChange(
        ownership: InodeOwnership(mode: 0o2770, uid: 1, gid: 2), mtime: 0, atime: 0,
        extended: [ExtendedAttributeChange(operation: .set, name: bytes("user.a"), value: [1])])

    func violations() throws -> [String] {
        var violations = try cluster.violations()
        // One that is there has all that it was to begin with.
        if kind == .makeWithAttributes,
            case .success(let made) = try cluster.shards.lookup(bytes("new"), in: left),
            try cluster.shards.attributes(made.targetId).ownership != Self.change.ownership
        {
            violations.append("the directory has other attributes than were asked for")
        }
        return violations
    }

    /// A repetition may meet a rename or a removal that is done (clients then look at the history), but nobody who asks
    /// once is told of a failure; a directory may have another id.
    func accepts(
        _ outcome: Result<AnyCdcResponse, ProtocolError>, insteadOf expected: Result<AnyCdcResponse, ProtocolError>
    ) -> Bool {
        switch (outcome, expected) {
        case (.failure(let error), .failure(let wanted)): error == wanted
        case (.success(let response), .success(let wanted)): response.kind == wanted.kind
        case (.failure(.edgeNotFound), .success(.renameFile)), (.failure(.edgeNotFound), .success(.renameDirectory)),
            (.failure(.edgeNotFound), .success(.softUnlinkDirectory)),
            (.failure(.edgeNotFound), .success(.replaceDirectory)):
            cluster.repetitions > 0
        default: false
        }
    }
}
