import BlockRepair
import Client
import Erasure
import Protocol
import ShardCore
import Synchronization
import TestShards
import Testing

/// A cluster of one shard in memory, with disks that can be spoiled.
actor RepairBench: MigrationCluster {
    static let second: UInt64 = 1_000_000_000

    /// How one disk behaves.
    struct Disk {
        var blocks: [BlockID: [UInt8]] = [:]
        /// Blocks of which some page does not match its checksum.
        var corrupt: Set<BlockID> = []
        var isUnreachable = false
        var refusesWrites = false
        var flags: BlockServiceFlags = []
    }

    nonisolated let pool = BufferPool(retainedBytes: 64 << 20)
    private nonisolated let clock = Mutex<UInt64>(1_700_000_000 * second)
    private let memory: MemoryShards
    private let core: ShardCore
    private let shard = ShardID(rawValue: 0)
    private let servicesPerDomain: Int
    private(set) var disks: [BlockServiceID: Disk]
    /// What the files hold.
    private var contents: [InodeID: [UInt8]] = [:]
    private var losesOneIn: UInt64 = 0
    private var chance = SystemRandomNumberGenerator()
    private(set) var fetches: [BlockServiceID: Int] = [:]
    /// The greatest age of a certificate that a block was written with.
    private(set) var oldestCertificateNanoseconds: UInt64 = 0

    nonisolated var monotonicNanoseconds: UInt64 { clock.withLock { $0 } }

    init(services count: Int = 20, perDomain: Int = 1) throws {
        servicesPerDomain = perDomain
        let ids = (1...count).map { BlockServiceID(rawValue: UInt64($0)) }
        disks = Dictionary(uniqueKeysWithValues: ids.map { ($0, Disk()) })
        var options = MemoryShards.Options(rootInfo: try DirectoryInfo.sternaRootDefault())
        options.transientLifetimeNanoseconds = 7_200 * Self.second
        options.blockServices = Self.table(disks, perDomain)
        options.stepNanoseconds = 0
        let memory = MemoryShards(options)
        let core = try memory.core(ShardID(rawValue: 0))
        self.memory = memory
        self.core = core
    }

    // MARK: What repair asks

    nonisolated func sleep(nanoseconds: UInt64) async {
        clock.withLock { $0 += nanoseconds }
        await Task.yield()
    }

    func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
        await Task.yield()
        guard shard == self.shard else {
            // The others are empty.
            guard let empty = R.response(in: .blockServiceFiles(BlockServiceFilesResponse(fileIds: []))) else {
                throw ClientError(.unavailable, "\(R.kind)")
            }
            return empty
        }
        let response = distorted(try reply(request.erased))
        if losesOneIn > 0, .random(in: 0..<losesOneIn, using: &chance) == 0 {
            throw ClientError(.timeout, "\(R.kind)")
        }
        guard let typed = R.response(in: response) else { throw ClientError(.malformedAnswer, "\(R.kind)") }
        return typed
    }

    /// The span that FILE_SPANS describes in a way that makes no sense.
    var impossibleOffset: UInt64?

    func makeImpossible(_ offset: UInt64?) { impossibleOffset = offset }

    private func distorted(_ response: AnyShardResponse) -> AnyShardResponse {
        guard case .fileSpans(var page) = response else { return response }
        for index in page.spans.indices where page.spans[index].header.byteOffset == impossibleOffset {
            guard case .locations(var body) = page.spans[index].body else { continue }
            body.locations[0].stripes = 0
            page.spans[index].body = .locations(body)
        }
        return .fileSpans(page)
    }

    func failureDomains() async throws(ClientError) -> [BlockServiceID: FailureDomain] {
        Dictionary(uniqueKeysWithValues: disks.keys.map { ($0, Self.domain($0, servicesPerDomain)) })
    }

    func blockServices(
        notOlderThanNanoseconds age: UInt64
    ) async throws(ClientError) -> [BlockServiceDeprecatedInfo] {
        disks.sorted { $0.key < $1.key }.map { id, disk in
            BlockServiceDeprecatedInfo(
                id: id, addrs: .loopback(port: UInt16(id.rawValue)), storageClass: .flash,
                failureDomain: Self.domain(id, servicesPerDomain), secretKey: Self.key(id), flags: disk.flags,
                capacityBytes: 1 << 30, availableBytes: 1 << 29, blocks: UInt64(disk.blocks.count), path: [],
                lastSeen: .zero, hasFiles: true, flagsLastChanged: .zero)
        }
    }

    func fetch(
        _ source: BlockSource, _ range: Range<Int>, into memory: PooledBuffer, at offset: Int
    ) async throws(ClientError) {
        await Task.yield()
        let id = source.service.id
        fetches[id, default: 0] += 1
        guard let disk = disks[id], !disk.isUnreachable else { throw ClientError(.blockTransfer, "FETCH") }
        guard let block = disk.blocks[source.block] else { throw ClientError(.refused(.blockNotFound), "FETCH") }
        guard range.upperBound <= block.count else { throw ClientError(.refused(.blockFetchOutOfBounds), "FETCH") }
        guard !disk.corrupt.contains(source.block) else { throw ClientError(.corruptPage, "FETCH") }
        block.withUnsafeBytes { bytes in
            (memory.base + offset).copyMemory(from: bytes.baseAddress! + range.lowerBound, byteCount: range.count)
        }
    }

    func write(
        _ memory: PooledBuffer, bytes: Int, crc: CRC32C, to place: AddSpanInitiateBlockInfo
    ) async throws(ClientError) -> MAC {
        await Task.yield()
        let id = place.blockServiceId
        guard let disk = disks[id], !disk.isUnreachable, !disk.refusesWrites else {
            throw ClientError(.blockTransfer, "WRITE_BLOCK")
        }
        oldestCertificateNanoseconds = max(
            oldestCertificateNanoseconds, monotonicNanoseconds - place.blockId.time.nanoseconds)
        let block = Array(UnsafeRawBufferPointer(start: memory.base, count: bytes))
        guard CRC32C(of: block) == crc else { throw ClientError(.refused(.badBlockCrc), "WRITE_BLOCK") }
        disks[id]?.blocks[place.blockId] = block
        return MACKey(Self.key(id)).writeProof(blockService: id, block: place.blockId)
    }

    // MARK: What tests do

    func change(_ service: BlockServiceID, _ body: (inout Disk) -> Void) {
        body(&disks[service, default: Disk()])
        core.blockServices = Self.table(disks, servicesPerDomain)
    }

    func loseOne(in count: UInt64) { losesOneIn = count }

    func reply(_ request: AnyShardRequest) throws(ClientError) -> AnyShardResponse {
        if !request.kind.isReadOnly { clock.withLock { $0 += 1_000_000 } }
        memory.nanoseconds = monotonicNanoseconds
        let outcome: Result<AnyShardResponse, ProtocolError>
        do {
            outcome = try memory.perform(request, at: shard, isPrivileged: true)
        } catch {
            throw ClientError(.malformedAnswer, "\(request.kind)", "\(error)")
        }
        do throws(ProtocolError) {
            return try outcome.get()
        } catch {
            throw ClientError(.refused(error), "\(request.kind)")
        }
    }

    func tell<R: ShardRPC>(_ request: R) throws -> R.Response {
        try #require(R.response(in: try reply(request.erased)))
    }

    /// A file with spans of random bytes, under a name unless it is to stay unfinished.
    func makeFile(
        _ name: String?, _ parity: Parity, spans: Int = 1, stripes: Int = 2, cell: Int = 8192
    ) throws -> InodeID {
        let file = try tell(ConstructFileRequest(type: .file, note: []))
        var content: [UInt8] = []
        for _ in 0..<spans {
            let data = (0..<stripes * parity.data * cell).map { _ in UInt8.random(in: 0...255, using: &chance) }
            try addSpan(data, to: file, at: UInt64(content.count), parity, stripes, cell)
            content += data
        }
        contents[file.id] = content
        if let name {
            _ = try tell(
                LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: Array(name.utf8)))
        }
        return file.id
    }

    private func addSpan(
        _ data: [UInt8], to file: ConstructFileResponse, at byteOffset: UInt64, _ parity: Parity, _ stripes: Int,
        _ cell: Int
    ) throws {
        let code = try #require(ReedSolomon.shared(dataBlocks: parity.data, parityBlocks: parity.parity))
        var blocks = [[UInt8]](repeating: [], count: parity.blocks)
        var sums: [CRC32C] = []
        for stripe in 0..<stripes {
            let cells = (0..<parity.data).map { index in
                let start = (stripe * parity.data + index) * cell
                return Array(data[start..<start + cell])
            }
            let coded = Self.parityCells(code, cells, cell)
            for (index, bytes) in (cells + coded).enumerated() {
                blocks[index] += bytes
                sums.append(CRC32C(of: bytes))
            }
        }
        let made = try tell(
            AddSpanInitiateRequest(
                fileId: file.id, cookie: file.cookie, byteOffset: byteOffset, size: UInt32(data.count),
                crc: CRC32C(of: data), storageClass: .flash, blacklist: [], parity: parity, stripes: UInt8(stripes),
                cellSize: UInt32(cell), crcs: sums))
        let proofs = zip(made.blocks, blocks).map { place, bytes in
            let id = place.blockServiceId
            disks[id]?.blocks[place.blockId] = bytes
            return TestDisks.proof(id, Self.key(id), place.blockId)
        }
        _ = try tell(
            AddSpanCertifyRequest(fileId: file.id, cookie: file.cookie, byteOffset: byteOffset, proofs: proofs))
    }

    private static func parityCells(_ code: ReedSolomon, _ data: [[UInt8]], _ cell: Int) -> [[UInt8]] {
        if code.dataBlocks == 1 { return Array(repeating: data[0], count: code.parityBlocks) }
        let memory = (0..<code.blocks).map { _ in UnsafeMutableRawPointer.allocate(byteCount: cell, alignment: 64) }
        defer { for region in memory { region.deallocate() } }
        for (region, bytes) in zip(memory, data) {
            bytes.withUnsafeBytes { region.copyMemory(from: $0.baseAddress!, byteCount: cell) }
        }
        code.encode(
            data: memory.prefix(code.dataBlocks).map { UnsafeRawPointer($0) },
            parity: Array(memory.dropFirst(code.dataBlocks)), length: cell)
        return memory.dropFirst(code.dataBlocks).map { Array(UnsafeRawBufferPointer(start: $0, count: cell)) }
    }

    /// The blocks of each span: where they are, in order.
    func spans(of file: InodeID) throws -> [[(service: BlockServiceID, block: BlockID, crc: CRC32C)]] {
        let listing = try tell(FileSpansRequest(fileId: file, byteOffset: 0, limit: 0, mtu: 8972))
        return listing.spans.flatMap { span -> [[(service: BlockServiceID, block: BlockID, crc: CRC32C)]] in
            guard case .locations(let body) = span.body else { return [] }
            return body.locations.map { copy in
                copy.blocks.map { (listing.blockServices[Int($0.blockServiceIx)].id, $0.blockId, $0.crc) }
            }
        }
    }

    /// Whether every block of the file is where the metadata says, right, and apart from the others of its span.
    func expectWhole(_ file: InodeID, _ location: SourceLocation = #_sourceLocation) throws {
        for span in try spans(of: file) {
            for block in span {
                let disk = try #require(disks[block.service], sourceLocation: location)
                let bytes = try #require(disk.blocks[block.block], "a block is gone", sourceLocation: location)
                #expect(CRC32C(of: bytes) == block.crc, sourceLocation: location)
                #expect(!disk.corrupt.contains(block.block) && !disk.isUnreachable, sourceLocation: location)
            }
            let domains = Set(span.map { Self.domain($0.service, servicesPerDomain) })
            #expect(domains.count == span.count, "two blocks share a failure domain", sourceLocation: location)
        }
        let violations = try core.invariantViolations()
        #expect(violations == [], sourceLocation: location)
    }

    /// Files of the shard's index for a service, transient ones included.
    func files(on service: BlockServiceID) throws -> [InodeID] {
        try tell(BlockServiceFilesRequest(blockServiceId: service, startFrom: .null)).fileIds
    }

    /// What garbage collection does to scratch files once they have expired.
    func destroyTransientFiles() throws {
        clock.withLock { $0 += 3 * 3600 * Self.second }
        for file in try tell(VisitTransientFilesRequest(beginId: .null, mtu: 8972)).files {
            while true {
                let span: RemoveSpanInitiateResponse
                do throws(ClientError) {
                    let request = RemoveSpanInitiateRequest(fileId: file.id, cookie: file.cookie)
                    guard case .removeSpanInitiate(let response) = try reply(request.erased) else { return }
                    span = response
                } catch {
                    #expect(error.isRefusal(.fileEmpty))
                    break
                }
                let proofs = span.blocks.map { block in
                    disks[block.blockServiceId]?.blocks[block.blockId] = nil
                    let id = block.blockServiceId
                    return TestDisks.proof(id, Self.key(id), block.blockId, erase: true)
                }
                _ = try tell(
                    RemoveSpanCertifyRequest(
                        fileId: file.id, cookie: file.cookie, byteOffset: span.byteOffset, proofs: proofs))
            }
        }
    }

    // MARK: Block services

    private static func key(_ id: BlockServiceID) -> SecretKey { SecretKey(low: id.rawValue, high: 7) }

    private static func domain(_ id: BlockServiceID, _ perDomain: Int) -> FailureDomain {
        FailureDomain(name: "d\((Int(id.rawValue) - 1) / perDomain)")
    }

    private static func table(_ disks: [BlockServiceID: Disk], _ perDomain: Int) -> BlockServiceTable {
        BlockServiceTable(
            placingOn: disks.sorted { $0.key < $1.key }.map { id, disk in
                BlockServiceTable.Service(
                    id: id, addrs: .loopback(port: UInt16(id.rawValue)), storageClass: .flash,
                    failureDomain: domain(id, perDomain), secretKey: key(id), flags: disk.flags)
            })
    }
}
