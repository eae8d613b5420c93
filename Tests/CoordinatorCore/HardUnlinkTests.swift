import CoordinatorCore
import Protocol
import TestShards
import Testing

/// Hard unlinks of files whose last edge is in another shard (spec D.5, G.3: 12).
@Suite struct HardUnlinkTests {
    private let scene: Scene

    init() throws { scene = try Scene() }

    @Test func fileWhoseLastEdgeGoesBecomesTransient() throws {
        for _ in 0..<2 { #expect(try scene.cluster.call(.crossShardHardUnlinkFile(scene.request)).error == nil) }
        #expect(try scene.isTransient())
        #expect(try scene.cluster.violations() == [])
    }

    @Test func resurrectedFileStaysAlive() throws {
        try scene.resurrect()
        #expect(try scene.cluster.call(.crossShardHardUnlinkFile(scene.request)).error == .edgeNotOwned)
        // Nor does it harm when the history is collected meanwhile.
        try scene.collect()
        #expect(try scene.cluster.call(.crossShardHardUnlinkFile(scene.request)).error == nil)
        #expect(try scene.isAlive())
        #expect(try scene.cluster.violations() == [])
    }

    @Test("a file that comes back between any two steps, its old edge collected, stays alive")
    func resurrectionUnderWay() throws {
        let events = try count { try $0.cluster.call(.crossShardHardUnlinkFile($0.request)) }
        var livesSaved = 0
        for point in 1...events {
            let scene = try Scene()
            let target = scene.cluster.coordinatorEvents + point
            // Before the coordinator's event, as a client and a collector of their own.
            scene.cluster.crashBefore = { number in
                if number == target { try? scene.resurrectAndCollect() }
                return false
            }
            _ = try scene.cluster.call(.crossShardHardUnlinkFile(scene.request))
            livesSaved += try scene.expectEitherAliveOrTransient("resurrected before event \(point)") ? 1 : 0
        }
        #expect(livesSaved > 0)
    }

    @Test(
        "a file that comes back while the coordinator is down, its old edge collected, stays alive",
        arguments: [Cluster.PacketsInFlight.lost, .arriveAtOnce, .arriveLate])
    func resurrectionWhileDown(_ packets: Cluster.PacketsInFlight) throws {
        let events = try count { try $0.cluster.call(.crossShardHardUnlinkFile($0.request)) }
        var livesSaved = 0
        for point in 1...events {
            for renamesMeanwhile in [0, 1, 7] {
                let scene = try Scene()
                let cluster = scene.cluster
                let target = cluster.coordinatorEvents + point
                cluster.packetsInFlight = packets
                cluster.survivingProposals = { $0 }
                cluster.crashAfter = { $0 == target }
                cluster.whileDown = {
                    try scene.resurrectAndCollect()
                    // The search of the next leader has to keep up with it.
                    for number in 0..<renamesMeanwhile {
                        cluster.act(after: UInt64(number + 1) * 300_000) { try scene.renameInside() }
                    }
                }
                _ = try cluster.call(.crossShardHardUnlinkFile(scene.request))
                let comment = "crashed at event \(point), \(packets), \(renamesMeanwhile) renames"
                livesSaved += try scene.expectEitherAliveOrTransient(comment) ? 1 : 0
            }
        }
        #expect(livesSaved > 0)
    }

    /// How many events of the coordinator something takes.
    private func count(_ body: (Scene) throws -> Result<AnyCdcResponse, ProtocolError>) throws -> Int {
        let start = scene.cluster.coordinatorEvents
        #expect(try body(scene).error == nil)
        return scene.cluster.coordinatorEvents - start
    }
}

/// A file whose only edge is history in a directory of another shard, among names that fill more than a page.
private final class Scene {
    let cluster: Cluster
    let request: CrossShardHardUnlinkFileRequest
    private let directory: InodeID
    private var name: [UInt8]?
    private var renames = 0

    init() throws {
        cluster = try Cluster(seed: 2)
        let left = try cluster.makeDirectory("left", in: .root).id
        directory = try cluster.makeDirectory("right", in: .root).id
        for number in 0..<24 {
            let name = [UInt8](repeating: UInt8(ascii: "a") + UInt8(number), count: 255)
            _ = try cluster.shards.makeFile(name, in: directory)
        }
        _ = try cluster.shards.makeFile(bytes("f"), in: left)
        #expect(try cluster.rename("f", from: left, to: directory, as: "f").error == nil)
        let edge = try cluster.shards.lookup(bytes("f"), in: directory).get()
        _ = try cluster.shards.unlink(edge, bytes("f"), in: directory).get()
        request = CrossShardHardUnlinkFileRequest(
            ownerId: directory, targetId: edge.targetId, name: bytes("f"), creationTime: edge.creationTime)
        #expect(request.targetId.shard != directory.shard)
    }

    func resurrect() throws {
        _ = try cluster.shards.perform(
            .sameDirectoryRenameSnapshot(
                SameDirectoryRenameSnapshotRequest(
                    targetId: request.targetId, dirId: directory, oldName: request.name,
                    oldCreationTime: request.creationTime, newName: bytes("again"))), at: directory.shard
        ).get()
        name = bytes("again")
    }

    /// The old edge goes, which owns nothing any more.
    func collect() throws {
        _ = try cluster.shards.perform(
            .removeNonOwnedEdge(
                RemoveNonOwnedEdgeRequest(
                    dirId: directory, targetId: request.targetId, name: request.name,
                    creationTime: request.creationTime)), at: directory.shard
        ).get()
    }

    /// If the edge is there still.
    func resurrectAndCollect() throws {
        do {
            try resurrect()
        } catch is ProtocolError {
            return
        }
        try collect()
    }

    func renameInside() throws {
        guard let name else { return }
        renames += 1
        let newName = [UInt8](repeating: UInt8(ascii: renames % 2 == 0 ? "B" : "z"), count: 200 + renames)
        let edge = try cluster.shards.lookup(name, in: directory).get()
        _ = try cluster.shards.rename(edge, name, to: newName, in: directory).get()
        self.name = newName
    }

    func isAlive() throws -> Bool {
        guard let name else { return false }
        guard try cluster.shards.lookup(name, in: directory).get().targetId == request.targetId else { return false }
        let status = AnyShardRequest.statFile(StatFileRequest(id: request.targetId))
        return try cluster.shards.perform(status, at: request.targetId.shard).error == nil
    }

    func isTransient() throws -> Bool {
        let status = AnyShardRequest.statTransientFile(StatTransientFileRequest(id: request.targetId))
        return try cluster.shards.perform(status, at: request.targetId.shard).error == nil
    }

    /// Whether it was brought back.
    func expectEitherAliveOrTransient(_ text: String) throws -> Bool {
        let comment = Comment(rawValue: text)
        #expect(try cluster.violations() == [], comment)
        #expect(cluster.alarms == [], comment)
        if name == nil {
            #expect(try isTransient(), comment)
        } else {
            #expect(try isAlive(), comment)
        }
        return name != nil
    }
}
