import Protocol
import ShardCore
import Store
import Testing

/// What the coordinator does to one shard in a full life: directories made, refused, moved there and back, removed and
/// collected, files moved and destroyed. After every packet all earlier ones come again and must change nothing.
final class Life {
    let shard: ShardFixture
    var restarts = false
    private(set) var delivered = 0
    private let pack: (UInt64, AnyShardRequest) throws -> Packet
    private var sent: [(packet: Packet, answer: Result<AnyShardResponse, ProtocolError>)] = []

    /// - Parameter pack: makes a packet of the request of that number; numbers begin with 1.
    init(_ pack: @escaping (UInt64, AnyShardRequest) throws -> Packet) throws {
        self.pack = pack
        shard = try ShardFixture(checksInvariants: false)
        // What has no number is remembered for ten minutes.
        shard.step = 1_000_000
    }

    func run() throws {
        let inner = try makeDirectory("inner", 2)
        let child = try makeDirectory("child", 3)
        try refuseDirectory(4)
        try lockTwice("child", child)
        let there = try move("child", child, from: .root, to: inner.id, as: "there")
        _ = try move("there", (child.id, there), from: inner.id, to: .root, as: "back")
        let other = try makeDirectory("name", 5)
        try removeDirectory("name", other)
        try collect("name", other.time)
        try destroyFile(inner.id)
        #expect(try shard.core.invariantViolations() == [])
    }

    /// Another replica that is given the same log remembers the same.
    func expectSameAfterReplay() throws {
        let replica = try ShardFixture(store: MemoryStore(), checksInvariants: false, genesis: false)
        for entry in shard.log { _ = try replica.apply(try ShardLogEntry(decoding: entry)) }
        let isSame = replica.namespace == shard.namespace
        #expect(isSame)
        #expect(replica.core.appliedIndex == shard.core.appliedIndex)
    }

    // MARK: Packets

    @discardableResult
    private func send<Request: ShardRPC>(_ request: Request) throws -> Request.Response {
        let packet = try pack(UInt64(sent.count + 1), request.erased)
        let answer = try deliver(packet)
        sent.append((packet, answer))
        let response = try #require(Request.response(in: try answer.opened.get()))
        try repeatEverything()
        return response
    }

    private func deliver(_ packet: Packet) throws -> Result<AnyShardResponse, ProtocolError> {
        if restarts { try shard.restart() }
        delivered += 1
        return try shard.reply(packet.request, requestID: packet.requestID)
    }

    private func repeatEverything() throws {
        let before = shard.namespace
        for (packet, answer) in sent {
            let again = try deliver(packet)
            #expect(again == answer || again == .failure(.requestIsStale))
        }
        let isUnchanged = shard.namespace == before
        #expect(isUnchanged)
    }

    // MARK: Transactions

    private func createInode(_ index: UInt64) throws -> InodeID {
        let id = InodeID(type: .directory, shard: shard.shard, index: index)
        try send(CreateDirectoryInodeRequest(id: id, ownerId: .root, info: DirectoryInfo(entries: [])))
        return id
    }

    private func makeDirectory(_ name: String, _ index: UInt64) throws -> (id: InodeID, time: Timestamp) {
        let id = try createInode(index)
        let time = try createEdge(name, id, in: .root)
        try unlock(name, (id, time), in: .root, wasMoved: false)
        return (id, time)
    }

    /// Rolled back, and collected.
    private func refuseDirectory(_ index: UInt64) throws {
        let id = try createInode(index)
        try send(RemoveDirectoryOwnerRequest(dirId: id, info: DirectoryInfo(entries: [])))
        try send(RemoveInodeRequest(id: id))
    }

    /// Two transactions that are refused later on.
    private func lockTwice(_ name: String, _ edge: (id: InodeID, time: Timestamp)) throws {
        for _ in 0..<2 {
            try lock(name, edge, in: .root)
            try unlock(name, edge, in: .root, wasMoved: false)
        }
    }

    private func move(
        _ name: String, _ edge: (id: InodeID, time: Timestamp), from old: InodeID, to new: InodeID, as newName: String
    ) throws -> Timestamp {
        try lock(name, edge, in: old)
        let time = try createEdge(newName, edge.id, in: new)
        try unlock(name, edge, in: old, wasMoved: true)
        if edge.id.isDirectory { try send(SetDirectoryOwnerRequest(dirId: edge.id, ownerId: new)) }
        try unlock(newName, (edge.id, time), in: new, wasMoved: false)
        return time
    }

    private func removeDirectory(_ name: String, _ edge: (id: InodeID, time: Timestamp)) throws {
        try lock(name, edge, in: .root)
        try send(RemoveDirectoryOwnerRequest(dirId: edge.id, info: DirectoryInfo(entries: [])))
        try unlock(name, edge, in: .root, wasMoved: true)
        try send(RemoveInodeRequest(id: edge.id))
    }

    /// The name never existed, as far as the shard can tell.
    private func collect(_ name: String, _ time: Timestamp) throws {
        for edge in try shard.history(name) {
            try shard.call(
                RemoveNonOwnedEdgeRequest(
                    dirId: .root, targetId: .null, name: name.bytes, creationTime: edge.creationTime))
        }
        #expect(try shard.history(name).isEmpty)
        try repeatEverything()
    }

    /// Moved by the coordinator, deleted, and collected as if it lived in another shard.
    private func destroyFile(_ directory: InodeID) throws {
        let file = try shard.makeFile("file")
        let time = try move("file", file, from: .root, to: directory, as: "moved")
        try shard.unlink("moved", (file.id, time), in: directory)
        try send(
            RemoveOwnedSnapshotFileEdgeRequest(
                ownerId: directory, targetId: file.id, name: "moved".bytes, creationTime: time))
        try send(MakeFileTransientRequest(id: file.id, note: "moved".bytes))
        shard.tick()
        try shard.call(RemoveInodeRequest(id: file.id))
        try repeatEverything()
    }

    // MARK: Steps

    private func createEdge(_ name: String, _ target: InodeID, in directory: InodeID) throws -> Timestamp {
        try send(
            CreateLockedCurrentEdgeRequest(
                dirId: directory, name: name.bytes, targetId: target, oldCreationTime: .zero)
        ).creationTime
    }

    private func lock(_ name: String, _ edge: (id: InodeID, time: Timestamp), in directory: InodeID) throws {
        try send(
            LockCurrentEdgeRequest(dirId: directory, targetId: edge.id, creationTime: edge.time, name: name.bytes))
    }

    private func unlock(
        _ name: String, _ edge: (id: InodeID, time: Timestamp), in directory: InodeID, wasMoved: Bool
    ) throws {
        try send(
            UnlockCurrentEdgeRequest(
                dirId: directory, name: name.bytes, creationTime: edge.time, targetId: edge.id, wasMoved: wasMoved))
    }
}
