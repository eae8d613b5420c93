import Client
import GarbageCollection
import Protocol
import ShardCore
import Synchronization
import TestShards
import TestSupport
import Testing

/// A cluster of one shard in memory.
actor ShardCluster: ClusterAccess {
    static let second: UInt64 = 1_000_000_000
    static let lifetime: UInt64 = 3_600 * second

    private let memory: MemoryShards
    private let core: ShardCore
    private let clock = Mutex<UInt64>(1_700_000_000 * second)
    private let shard = ShardID(rawValue: 0)
    /// What lies on the disks.
    private(set) var blocks: Set<BlockID> = []
    /// Requests that went through the shard's log.
    var writes: Int { memory.writes }
    /// Of so many requests one, by chance, is carried out and its answer lost; 0 = none.
    private var losesOneIn: UInt64 = 0
    private var chance = SeededGenerator(seed: 1)
    /// Erasures that every disk has at work, and the most that any ever had.
    private var erasing: [BlockServiceID: Int] = [:]
    private(set) var mostErasing = 0
    /// Erasures at work on all disks at the same time, the most there ever were.
    private(set) var mostErasingInAll = 0
    /// What block services say when they are asked to erase; nil = they do.
    private var eraseError: ProtocolError?
    private var isGivenUp = false

    /// What `now` says instead, as a machine's clock does that is not to be believed.
    private let wrongClock = Mutex(false)

    nonisolated var now: Timestamp {
        get throws(ClientError) {
            guard !wrongClock.withLock({ $0 }) else { throw ClientError(.wrongClock, "a test") }
            return time
        }
    }

    private nonisolated var time: Timestamp { clock.withLock { Timestamp(nanoseconds: $0) } }

    init() throws {
        var options = MemoryShards.Options(rootInfo: try DirectoryInfo.sternaRootDefault())
        options.transientLifetimeNanoseconds = Self.lifetime
        options.blockServices = Self.services(flags: [])
        options.stepNanoseconds = 0
        let memory = MemoryShards(options)
        let core = try memory.core(ShardID(rawValue: 0))
        self.memory = memory
        self.core = core
    }

    func advance(seconds: UInt64) { clock.withLock { $0 += seconds * Self.second } }
    nonisolated func setClockWrong(_ isWrong: Bool) { wrongClock.withLock { $0 = isWrong } }
    func loseOne(in count: UInt64) { losesOneIn = count }
    func refuseErasing(_ error: ProtocolError?) { eraseError = error }

    /// Changes the flags of all block services.
    func setFlags(_ flags: BlockServiceFlags) {
        core.blockServices = Self.services(flags: flags)
        isGivenUp = flags.contains(.decommissioned)
    }

    func isDecommissioned(_ service: BlockServiceID) -> Bool { isGivenUp }

    func expectInvariants() throws {
        let violations = try core.invariantViolations()
        #expect(violations == [])
    }

    // MARK: What garbage collection asks

    func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
        guard shard == self.shard else { throw ClientError(.unavailable, "\(R.kind)") }
        let response: AnyShardResponse
        do {
            response = try reply(request.erased)
        } catch let code as ProtocolError {
            throw ClientError(.refused(code), "\(R.kind)")
        } catch {
            throw ClientError(.malformedAnswer, "\(R.kind)", "\(error)")
        }
        if losesOneIn > 0, chance.next() % losesOneIn == 0 { throw ClientError(.timeout, "\(R.kind)") }
        guard let typed = R.response(in: response) else { throw ClientError(.malformedAnswer, "\(R.kind)") }
        return typed
    }

    func callCDC<R: CdcRPC>(_ request: R) async throws(ClientError) -> R.Response {
        guard case .hardUnlinkDirectory(let unlink) = request.erased,
            let response = R.response(in: .hardUnlinkDirectory(HardUnlinkDirectoryResponse()))
        else { throw ClientError(.unavailable, "\(R.kind)") }
        _ = try await call(RemoveInodeRequest(id: unlink.dirId), shard: shard)
        return response
    }

    func snapshotPolicy(of directory: InodeID) async throws(ClientError) -> SnapshotPolicy {
        let status = try await call(StatDirectoryRequest(id: directory), shard: shard)
        do {
            if let own = try status.info.policy(SnapshotPolicy.self) { return own }
        } catch {
            throw ClientError(.badPolicy, "snapshot policy", "\(error)")
        }
        guard directory != .root else { throw ClientError(.badPolicy, "snapshot policy") }
        return try await snapshotPolicy(of: .root)
    }

    func erase(_ block: RemoveSpanInitiateBlockInfo) async throws(ClientError) -> MAC {
        erasing[block.blockServiceId, default: 0] += 1
        mostErasing = max(mostErasing, erasing[block.blockServiceId, default: 0])
        mostErasingInAll = max(mostErasingInAll, erasing.values.reduce(0, +))
        for _ in 0..<4 { await Task.yield() }
        erasing[block.blockServiceId, default: 0] -= 1
        if let eraseError { throw ClientError(.refused(eraseError), "ERASE_BLOCK") }
        let mac = MACKey(Self.key(block.blockServiceId))
        guard block.certificate == mac.eraseCertificate(blockService: block.blockServiceId, block: block.blockId) else {
            throw ClientError(.refused(.badCertificate), "ERASE_BLOCK")
        }
        blocks.remove(block.blockId)
        return mac.eraseProof(blockService: block.blockServiceId, block: block.blockId)
    }

    // MARK: What users do

    func reply(_ request: AnyShardRequest) throws -> AnyShardResponse {
        if !request.kind.isReadOnly { advance(seconds: 1) }
        memory.nanoseconds = time.nanoseconds
        return try memory.perform(request, at: shard, isPrivileged: true).get()
    }

    func tell<R: ShardRPC>(_ request: R) throws -> R.Response {
        try #require(R.response(in: try reply(request.erased)))
    }

    /// A file with one span of three blocks that are on the disks.
    func makeTransientFile() throws -> TransientHandle {
        let file = try tell(ConstructFileRequest(type: .file, note: []))
        let data = [CRC32C(rawValue: 3), CRC32C(rawValue: 5)]
        let whole = data[0].appending(data[1], length: 4096)
        let initiate = try tell(
            AddSpanInitiateRequest(
                fileId: file.id, cookie: file.cookie, byteOffset: 0, size: 8192, crc: whole, storageClass: .flash,
                blacklist: [], parity: Parity(data: 2, parity: 1), stripes: 1, cellSize: 4096,
                crcs: data + [data[0].xor(data[1], length: 4096)]))
        let proofs = initiate.blocks.map { block in
            blocks.insert(block.blockId)
            return TestDisks.proof(block.blockServiceId, Self.key(block.blockServiceId), block.blockId)
        }
        _ = try tell(
            AddSpanCertifyRequest(fileId: file.id, cookie: file.cookie, byteOffset: 0, proofs: proofs))
        return TransientHandle(id: file.id, cookie: file.cookie)
    }

    /// The same under a name.
    @discardableResult
    func makeFile(_ name: String, in directory: InodeID = .root) throws -> (id: InodeID, time: Timestamp) {
        let file = try makeTransientFile()
        let link = LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: directory, name: Array(name.utf8))
        return (file.id, try tell(link).creationTime)
    }

    func unlink(_ name: String, _ file: (id: InodeID, time: Timestamp), in directory: InodeID = .root) throws {
        _ = try tell(
            SoftUnlinkFileRequest(
                ownerId: directory, fileId: file.id, name: Array(name.utf8), creationTime: file.time))
    }

    func snapshots(of directory: InodeID = .root) throws -> [Edge] {
        try tell(
            FullReadDirRequest(
                dirId: directory, flags: [], startName: [], startTime: .zero, limit: 0, mtu: 8972)
        ).results.filter { !$0.current }
    }

    func exists(_ name: String) -> Bool {
        (try? tell(LookupRequest(dirId: .root, name: Array(name.utf8)))) != nil
    }

    func transientFiles() throws -> [TransientFile] {
        try tell(VisitTransientFilesRequest(beginId: .null, mtu: 0)).files
    }

    // MARK: Block services

    private static func key(_ id: BlockServiceID) -> SecretKey { SecretKey(low: id.rawValue, high: 7) }

    private static func services(flags: BlockServiceFlags) -> BlockServiceTable {
        BlockServiceTable(
            placingOn: (1...16).map { number in
                let id = BlockServiceID(rawValue: UInt64(number))
                return BlockServiceTable.Service(
                    id: id, addrs: .loopback(port: UInt16(number)), storageClass: .flash,
                    failureDomain: FailureDomain(name: "d\(number)"), secretKey: key(id), flags: flags)
            })
    }
}
