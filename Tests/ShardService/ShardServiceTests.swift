import EventLoop
import Glibc
import Protocol
import TestServices
import TestSupport
import Testing
import Wire

/// The built daemon with real sockets and real disks.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ShardServiceTests {
    private let shardZero = ShardID(rawValue: 0)

    private func client(_ registry: FakeRegistry, _ shard: UInt8 = 0) throws -> DatagramClient {
        try DatagramClient(try #require(registry.address(of: ShardID(rawValue: shard))))
    }

    @Test func servesFilesAndDirectories() throws {
        let directory = try TemporaryDirectory("shard")
        let registry = try FakeRegistry()
        let process = try ShardProcess(shards: "0-3", data: directory.path + "/shard", registry: registry.address)
        let client = try client(registry)
        let file = try client.makeFile("hello")
        let found = try client.call(LookupRequest(dirId: .root, name: Array("hello".utf8))).get()
        #expect(found.targetId == file)
        #expect(try client.call(StatFileRequest(id: file)).get().size == 0)
        let page = try client.call(ReadDirRequest(dirId: .root, startHash: NameHash(rawValue: 0), mtu: 0)).get()
        #expect(page.results.map(\.name) == [Array("hello".utf8)])
        #expect(try client.call(LookupRequest(dirId: .root, name: Array("no".utf8))) == .failure(.nameNotFound))
        _ = try client.call(
            SoftUnlinkFileRequest(
                ownerId: .root, fileId: file, name: Array("hello".utf8), creationTime: found.creationTime)
        ).get()
        #expect(try client.call(LookupRequest(dirId: .root, name: Array("hello".utf8))) == .failure(.nameNotFound))
        #expect(process.kill(SIGTERM) == 0)
    }

    /// Writers could not renew their files in time.
    @Test func aTransientDeadlineThatIsTooShortIsRefused() throws {
        let directory = try TemporaryDirectory("shard")
        let registry = try FakeRegistry()
        func start(_ seconds: String) throws -> ShardProcess {
            try ShardProcess(
                shards: "0", data: directory.path + "/shard", registry: registry.address,
                ["--transient-deadline", seconds])
        }
        #expect(throws: TestFailure.self) { try start("9") }
        #expect(try start("10").kill(SIGTERM) == 0)
    }

    @Test func dropsWhatItDoesNotUnderstandOrAllow() throws {
        let directory = try TemporaryDirectory("shard")
        let registry = try FakeRegistry()
        let process = try ShardProcess(shards: "0", data: directory.path + "/shard", registry: registry.address)
        let client = try client(registry)
        let lookup = try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
            try PlainPacket.write(
                .shardRequest, requestID: 7, request: LookupRequest(dirId: .root, name: [1, 2, 3]), into: &writer)
        }
        for length in 0..<lookup.count { client.send(Array(lookup[..<length])) }
        client.send(lookup + [0])
        client.send([UInt8](repeating: 0xff, count: 8972))
        client.send(Array(lookup[..<12]) + [0x60])  // a kind that does not exist
        let privileged = SetDirectoryOwnerRequest(dirId: .root, ownerId: .root)
        client.send(
            try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
                try PlainPacket.write(.shardRequest, requestID: 8, request: privileged, into: &writer)
            })
        let wrongKey = MACKey(SecretKey(low: 1, high: 2))
        client.send(
            try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
                try SignedPacket.write(
                    .cdcToShardRequest, requestID: 9, kind: SetDirectoryOwnerRequest.kindByte, body: privileged,
                    key: wrongKey, into: &writer)
            })
        #expect(client.receive(timeoutMilliseconds: 300) == nil)
        #expect(try client.call(LookupRequest(dirId: .root, name: [1, 2, 3])) == .failure(.nameNotFound))
        #expect(process.kill(SIGTERM) == 0)
    }

    private func datagram<Request: ShardRPC>(_ request: Request, id: UInt64) throws -> [UInt8] {
        try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
            try PlainPacket.write(.shardRequest, requestID: id, request: request, into: &writer)
        }
    }

    @Test("F-11: a request that was refused at once is refused again, not forgotten, when it is repeated")
    func answersRepeatedRefusals() throws {
        let directory = try TemporaryDirectory("shard")
        let registry = try FakeRegistry()
        let process = try ShardProcess(shards: "0", data: directory.path + "/shard", registry: registry.address)
        let client = try client(registry)
        let file = try client.call(ConstructFileRequest(type: .file, note: [])).get()
        let refused = try datagram(
            LinkFileRequest(fileId: file.id, cookie: Cookie(rawValue: 1), ownerId: .root, name: [1]), id: 1 << 40)
        for _ in 0..<3 {
            client.send(refused)
            let answer = try #require(client.receive(timeoutMilliseconds: 10_000))
            #expect(answer.dropFirst(4) == [0, 0, 0, 0, 0, 1, 0, 0, 0, 24, 0])  // BAD_COOKIE
        }
        #expect(process.kill(SIGTERM) == 0)
    }

    @Test func requestsWithoutAnIdAreCarriedOutInSilence() throws {
        let directory = try TemporaryDirectory("shard")
        let registry = try FakeRegistry()
        let process = try ShardProcess(shards: "0", data: directory.path + "/shard", registry: registry.address)
        let client = try client(registry)
        for note in 1...5 as ClosedRange<UInt8> {
            client.send(try datagram(ConstructFileRequest(type: .file, note: [note]), id: 0))
        }
        #expect(client.receive(timeoutMilliseconds: 300) == nil)
        let files = try client.call(VisitTransientFilesRequest(beginId: .null, mtu: 0)).get().files
        #expect(files.count == 5)
        #expect(process.kill(SIGTERM) == 0)
    }

    @Test func answersTheCoordinatorSigned() throws {
        let directory = try TemporaryDirectory("shard")
        let registry = try FakeRegistry()
        let process = try ShardProcess(
            shards: "0-1", data: directory.path + "/shard", registry: registry.address,
            try directory.clusterKey())
        let key = MACKey(try #require(ClusterKey(hexadecimal: TemporaryDirectory.keyDigits)).key(for: .coordinator))
        let client = try client(registry, 1)
        let id = InodeID(type: .directory, shard: ShardID(rawValue: 1), index: 0)
        let (created, checkpoint) = try client.call(
            CreateDirectoryInodeRequest(id: id, ownerId: .root, info: DirectoryInfo(entries: [])), signedWith: key)
        #expect(throws: Never.self) { try created.get() }
        #expect(checkpoint == 3)  // after those of its leader and of the shard itself
        let (read, atRead) = try client.call(StatDirectoryRequest(id: id), signedWith: key)
        #expect(try read.get().owner == .root)
        #expect(atRead == 3)
        let (refused, atRefusal) = try client.call(
            LinkFileRequest(fileId: id, cookie: Cookie(rawValue: 0), ownerId: id, name: [1]), signedWith: key)
        #expect(throws: ProtocolError.self) { try refused.get() }
        #expect(atRefusal == 3)
        #expect(process.kill(SIGTERM) == 0)
    }

    /// What coordinators may ask is done for that of this cluster, and for nobody who knows the published key.
    @Test(arguments: [true, false]) func believesNoStranger(isSigned: Bool) throws {
        let directory = try TemporaryDirectory()
        let registry = try FakeRegistry()
        let process = try ShardProcess(
            shards: "0", data: directory.path + "/shard", registry: registry.address,
            try directory.clusterKey())
        let key = MACKey(try #require(ClusterKey(hexadecimal: TemporaryDirectory.keyDigits)).key(for: .coordinator))
        let client = try client(registry)
        // Near enough to be believed of whom it may come from.
        let close = CloseSequencesRequest(through: 10)
        let stranger =
            isSigned
            ? try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
                try SignedPacket.write(
                    .cdcToShardRequest, requestID: 77, kind: ShardKind.closeSequences.rawValue, body: close,
                    key: MACKey(.wellKnownCoordinatorKey), into: &writer)
            } : try datagram(close, id: 77)
        client.send(stranger)
        // Behind the other on the same socket, so the other has been looked at when this one is answered.
        let number = ExecuteOnceRequest(
            sequence: 5, closed: 0, kind: ShardKind.removeInode.rawValue,
            body: try RemoveInodeRequest(id: InodeID(type: .directory, shard: shardZero, index: 5)).encoded())
        let (answer, _) = try client.call(number, signedWith: key)
        #expect(throws: Never.self) { try answer.get() }
        #expect(process.kill(SIGTERM) == 0)
    }

    /// What destroys and moves what others have stored, and tells their cookies, is for the cluster's own programs.
    @Test func maintenanceWantsAProof() throws {
        let directory = try TemporaryDirectory("shard")
        let registry = try FakeRegistry()
        let process = try ShardProcess(
            shards: "0", data: directory.path + "/shard", registry: registry.address, try directory.clusterKey())
        let cluster = try #require(ClusterKey(hexadecimal: TemporaryDirectory.keyDigits))
        let key = MACKey(cluster.key(for: .shardRequests))
        let client = try client(registry)
        let file = try client.makeFile("file")
        _ = try client.call(ConstructFileRequest(type: .file, note: [1])).get()
        let visit = VisitTransientFilesRequest(beginId: .null, mtu: 0)
        let unlink = SameShardHardFileUnlinkRequest(
            ownerId: .root, targetId: file, name: [1], creationTime: Timestamp(nanoseconds: 1))
        #expect(try client.call(visit) == .failure(.notAuthorised))
        #expect(try client.call(unlink) == .failure(.notAuthorised))
        #expect(try client.call(ShardSnapshotRequest(snapshotId: 1)) == .failure(.notAuthorised))
        let wish = ShardSteerRequest(steering: .lead, replica: ReplicaID(rawValue: 0))
        #expect(try client.call(wish) == .failure(.notAuthorised))
        let loop = try EventLoop()
        defer { loop.close() }
        let now = loop.wallClock()
        #expect(try client.call(wish, provenWith: key, at: now).get().outcome == .done)
        #expect(try client.call(visit, provenWith: key, at: now).get().files.count == 1)
        #expect(try client.call(unlink, provenWith: key, at: now) == .failure(.edgeNotFound))
        // Kept back, or from a machine whose clock is wrong.
        for time in [now - 400_000_000_000, now + 400_000_000_000, 0, .max] {
            #expect(try client.call(visit, provenWith: key, at: time) == .failure(.notAuthorised))
        }
        // The coordinator's requests are not for everybody who may collect.
        let close = CloseSequencesRequest(through: 1)
        let stranger = try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
            try ProvenPacket.write(
                .provenShardRequest, requestID: 9, kind: ShardKind.closeSequences.rawValue, body: close, time: now,
                key: key, into: &writer)
        }
        client.send(stranger)
        let wrong = try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
            try ProvenPacket.write(
                .provenShardRequest, requestID: 9, kind: ShardKind.visitTransientFiles.rawValue, body: visit, time: now,
                key: MACKey(cluster.key(for: .coordinatorRequests)), into: &writer)
        }
        client.send(wrong)
        // Behind them on the same socket.
        client.send(try datagram(LookupRequest(dirId: .root, name: Array("file".utf8)), id: 10))
        let answer = try #require(client.receive(timeoutMilliseconds: 10_000))
        #expect(answer[4] == 10)
        #expect(process.kill(SIGTERM) == 0)
    }

    @Test func refusesKeysThatOthersMayRead() throws {
        let directory = try TemporaryDirectory()
        let registry = try FakeRegistry()
        let options = try directory.clusterKey(mode: 0o640)
        #expect(throws: TestFailure.self) {
            _ = try ShardProcess(
                shards: "0", data: directory.path + "/shard", registry: registry.address, options)
        }
    }

    /// What was answered is there after a kill, and after an orderly restart with other shards in between.
    @Test func keepsWhatItAcknowledged() throws {
        let directory = try TemporaryDirectory("shard")
        let registry = try FakeRegistry()
        let data = directory.path + "/shard"
        var made: [String: InodeID] = [:]
        for round in 0..<4 {
            let process = try ShardProcess(shards: "0-7", data: data, registry: registry.address)
            let client = try client(registry)
            for (name, id) in made {
                #expect(try client.call(LookupRequest(dirId: .root, name: Array(name.utf8))).get().targetId == id)
            }
            for number in 0..<50 {
                let name = "file-\(round)-\(number)"
                made[name] = try client.makeFile(name)
            }
            process.kill(round == 1 ? SIGTERM : SIGKILL)
            if round == 2 {
                // Shard 0's entries are in the log of a process that does not host it.
                let other = try ShardProcess(shards: "5", data: data, registry: registry.address)
                #expect(other.kill(SIGTERM) == 0)
            }
        }
    }

    @Test("a shard that is started again is where clients still look for it, and no other shard is")
    func comesBackAtItsPort() throws {
        let directory = try TemporaryDirectory("shard")
        let data = directory.path + "/shard"
        let registry = try FakeRegistry()
        let first = try ShardProcess(shards: "0-63", data: data, registry: registry.address)
        let before = registry.state.withLock { $0.shards }
        #expect(before.count == 64)
        first.kill(SIGKILL)
        // Somebody else has taken one of the ports meanwhile.
        let taken = ShardID(rawValue: 5)
        let squatter = try TestDatagramSocket(port: try #require(before[taken]).port)
        defer { withExtendedLifetime(squatter) {} }
        let second = try ShardProcess(shards: "0-63", data: data, registry: registry.address)
        let after = registry.state.withLock { $0.shards }
        for (shard, address) in before where shard != taken { #expect(after[shard] == address) }
        #expect(after[taken] != nil && after[taken] != before[taken])
        #expect(second.kill(SIGTERM) == 0)
        // What is written there is no reason not to start.
        let file = try #require(fopen(data + "/ports", "w"))
        fputs("5 127.0.0.1:99999 x\n300 127.0.0.1:1\n\u{0}nonsense\n7 10.1.2.3:5\n", file)
        fclose(file)
        let third = try ShardProcess(shards: "0-63", data: data, registry: registry.address)
        #expect(third.kill(SIGTERM) == 0)
    }

    @Test func aLogThatIsGoneIsNotReplacedByAnEmptyOne() throws {
        let directory = try TemporaryDirectory("shard")
        let registry = try FakeRegistry()
        let data = directory.path + "/shard"
        let process = try ShardProcess(shards: "0", data: data, registry: registry.address)
        #expect(process.kill(SIGTERM) == 0)
        removeTree(data + "/log")
        #expect(throws: TestFailure.self) {
            _ = try ShardProcess(shards: "0", data: data, registry: registry.address)
        }
    }

    /// Block services reach the shard, also from its archive when the registry does not tell.
    @Test func placesBlocksWhereTheRegistrySays() throws {
        let directory = try TemporaryDirectory("shard")
        let services = (0..<4).map(blockService)
        let registry = try FakeRegistry(blockServices: services)
        let data = directory.path + "/shard"
        for round in 0..<2 {
            let process = try ShardProcess(shards: "0", data: data, registry: registry.address)
            let client = try client(registry)
            let blocks = try placedBlocks(client)
            #expect(blocks.count == 3)
            #expect(Set(blocks.map(\.blockServiceId)).isSubset(of: Set(services.map(\.id))))
            for block in blocks {
                let service = try #require(services.first { $0.id == block.blockServiceId })
                let certificate = MACKey(service.secretKey).writeCertificate(
                    blockService: service.id, block: block.blockId, crc: .zero, size: 4096)
                #expect(block.certificate == certificate)
            }
            #expect(process.kill(round == 0 ? SIGTERM : SIGKILL) == (round == 0 ? 0 : 128 + SIGKILL))
            registry.state.withLock { $0.hidesBlockServices = true }
        }
    }

    /// Initiates a mirrored span of zeros, as soon as the shard knows block services.
    private func placedBlocks(_ client: DatagramClient) throws -> [AddSpanInitiateBlockInfo] {
        let file = try client.call(ConstructFileRequest(type: .file, note: [])).get()
        let request = AddSpanInitiateRequest(
            fileId: file.id, cookie: file.cookie, byteOffset: 0, size: 4096, crc: .zero, storageClass: .flash,
            blacklist: [], parity: Parity(data: 1, parity: 2), stripes: 1, cellSize: 4096, crcs: [.zero, .zero, .zero])
        for _ in 0..<50 {
            let result = try client.call(request)
            if result != .failure(.couldNotPickBlockServices) { return try result.get().blocks }
            usleep(200_000)
        }
        throw TestFailure("the shard never heard of block services")
    }

    private func blockService(_ number: Int) -> BlockServiceDeprecatedInfo {
        let low = UInt64(number + 1) &* 0x0123_4567_89ab_cdef & ~(1 << 63)
        let port = IpPort(addrs: IPv4Address(rawValue: 0x7f00_0001), port: UInt16(9000 + number))
        return BlockServiceDeprecatedInfo(
            id: BlockServiceID(rawValue: low), addrs: AddrsInfo(addr1: port, addr2: IpPort(addrs: .any, port: 0)),
            storageClass: .flash, failureDomain: FailureDomain(name: "domain-\(number)"),
            secretKey: SecretKey(low: low, high: 5), flags: [], capacityBytes: 1 << 40, availableBytes: 1 << 40,
            blocks: 0, path: [], lastSeen: Timestamp(nanoseconds: 1), hasFiles: false,
            flagsLastChanged: Timestamp(nanoseconds: 1))
    }
}
