import EventLoop
import Foundation
import Glibc
import Protocol
import TestServices
import TestSupport
import Testing
import Wire

/// What only the whole program can show.
@Suite(.timeLimit(.minutes(2))) struct CoordinatorServiceTests {
    private func datagram<Request: CdcRPC>(_ request: Request, id: UInt64) throws -> [UInt8] {
        try encodedBytes(capacity: 200) { (writer) throws(EncodeError) in
            try PlainPacket.write(.cdcRequest, requestID: id, request: request, into: &writer)
        }
    }

    @Test("what destroys, and what copies everything, wants a proof") func proof() throws {
        let coordinator = try RunningCoordinator(hasKey: true)
        let (client, directory) = (coordinator.client, InodeID(type: .directory, shard: ShardID(rawValue: 3), index: 5))
        let snapshot = CdcSnapshotRequest(snapshotId: 1)
        let unlink = CrossShardHardUnlinkFileRequest(
            ownerId: directory, targetId: InodeID(type: .file, shard: ShardID(rawValue: 4), index: 5), name: [65],
            creationTime: Timestamp(nanoseconds: 1))
        #expect(try client.call(snapshot) == .failure(.notAuthorised))
        #expect(try client.call(HardUnlinkDirectoryRequest(dirId: directory)) == .failure(.notAuthorised))
        #expect(try client.call(unlink) == .failure(.notAuthorised))
        let wish = CdcSteerRequest(steering: .anyLeads, replica: .nobody)
        #expect(try client.call(wish) == .failure(.notAuthorised))
        let cluster = try #require(ClusterKey(hexadecimal: TemporaryDirectory.keyDigits))
        let loop = try EventLoop()
        defer { loop.close() }
        let now = loop.wallClock()
        // With the key for something else, kept back, or from a machine whose clock is wrong.
        let other = MACKey(cluster.key(for: .shardRequests))
        client.send(
            try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
                try ProvenPacket.write(
                    .provenCdcRequest, requestID: 1 << 40, kind: CdcKind.cdcSnapshot.rawValue, body: snapshot,
                    time: now, key: other, into: &writer)
            })
        let key = MACKey(cluster.key(for: .coordinatorRequests))
        for time in [now - 400_000_000_000, now + 400_000_000_000, 0, .max] {
            #expect(try client.call(snapshot, provenWith: key, at: time) == .failure(.notAuthorised))
        }
        #expect(try client.call(wish, provenWith: key, at: now).get().outcome == .done)
        #expect(access(coordinator.directory.path + "/cdc/snapshot-1", F_OK) != 0)
        #expect(try client.call(snapshot, provenWith: key, at: now) == .success(CdcSnapshotResponse()))
        #expect(access(coordinator.directory.path + "/cdc/snapshot-1", F_OK) == 0)
        #expect(coordinator.process.end(SIGTERM) == 0)
    }

    @Test("one snapshot at a time") func snapshots() throws {
        let coordinator = try RunningCoordinator()
        // All three are there when it looks.
        kill(coordinator.process.identifier, SIGSTOP)
        for number in [1, 2, 1] as [UInt64] {
            coordinator.client.send(try datagram(CdcSnapshotRequest(snapshotId: number), id: 100 + number))
        }
        kill(coordinator.process.identifier, SIGCONT)
        var answers: [UInt64: UInt8] = [:]
        // The third asks for the first one again, and is told as well.
        for _ in 0..<3 {
            let answer = try #require(coordinator.client.receive(timeoutMilliseconds: 30_000))
            try answer.withUnsafeBytes { bytes in
                let packet = try PlainPacket(bytes, expecting: .cdcResponse)
                answers[packet.requestID] = packet.kind
            }
        }
        #expect(answers == [101: CdcKind.cdcSnapshot.rawValue, 102: 0])
        // Now there is none under way.
        #expect(try coordinator.client.call(CdcSnapshotRequest(snapshotId: 2)) == .success(CdcSnapshotResponse()))
        #expect(coordinator.process.end(SIGTERM) == 0)
    }

    @Test("nothing is begun while its clock is not the registry's", arguments: [30 * 86_400, -30 * 86_400] as [Int64])
    func wrongClock(seconds: Int64) throws {
        let coordinator = try RunningCoordinator(clockSeconds: 0)
        let directory = InodeID(type: .directory, shard: ShardID(rawValue: 3), index: 5)
        // Its beginning is logged before any shard is asked.
        let request = try datagram(
            SoftUnlinkDirectoryRequest(
                ownerId: .root, targetId: directory, creationTime: Timestamp(nanoseconds: 1), name: [65]), id: 7)
        #expect(try coordinator.restart(clockSeconds: seconds) == 0)
        coordinator.client.send(request)
        // That is answered whatever the time is, and tells that the request was heard.
        #expect(try coordinator.client.call(CdcSnapshotRequest(snapshotId: 1)) == .success(CdcSnapshotResponse()))
        // Whoever believes its own clock has logged by its end what it was asked for.
        #expect(try coordinator.restart(clockSeconds: 0) == 0, "it began by a clock that is a month wrong")
        coordinator.client.send(request)
        // It begins when it has looked at the registry's clock.
        #expect(try happens { try coordinator.counter("log_records_total") ?? 0 > 0 })
        #expect(try coordinator.restart(clockSeconds: 0) == 1)
        #expect(coordinator.process.end(SIGTERM) == 0)
    }
}
