import Client
import EventLoop
import Protocol

/// The questions that the campaign asks, on the loop of its client.
actor ClusterQueries {
    private let client: Client
    private let registry: SocketAddress
    private var directories: [String: InodeID] = [:]

    nonisolated var unownedExecutor: UnownedSerialExecutor { client.unownedExecutor }

    init(client: Client, _ registry: SocketAddress) {
        self.client = client
        self.registry = registry
    }

    func start() async throws { try await client.start() }

    func close() async { await client.close() }

    // MARK: Files

    /// The inode of `DIRECTORY/NAME`. Directories of a campaign never change.
    func resolve(_ path: String) async throws -> InodeID {
        let parts = path.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return try await client.resolve(path: path) }
        var directory = directories[parts[0]]
        if directory == nil {
            directory = try await client.resolve(path: parts[0])
            directories[parts[0]] = directory
        }
        return try await client.lookup(Array(parts[1].utf8), in: directory ?? .null).targetId
    }

    /// The spans that have blocks.
    func spans(of file: InodeID) async throws -> [SpanBlocks] {
        var spans: [SpanBlocks] = []
        var offset: UInt64 = 0
        repeat {
            let page = try await client.call(
                LocalFileSpansRequest(fileId: file, byteOffset: offset, limit: 0, mtu: 8972), shard: file.shard)
            for span in page.spans {
                let info = try SpanInfo(span, services: page.blockServices)
                if let found = Self.blocks(of: info) { spans.append(found) }
            }
            guard page.nextOffset == 0 || page.nextOffset > offset else { break }
            offset = page.nextOffset
        } while offset != 0
        return spans
    }

    private static func blocks(of span: SpanInfo) -> SpanBlocks? {
        guard case .blocks(let layout, let sources) = span.content else { return nil }
        return SpanBlocks(
            offset: span.byteOffset, dataBlocks: layout.dataBlocks,
            blocks: sources.map {
                SpanBlocks.Block(block: $0.block, service: $0.service.id, source: $0, bytes: layout.blockBytes)
            })
    }

    /// As `resolve`; nil when the name does not exist.
    func inode(ofPath path: String) async throws -> InodeID? {
        do {
            return try await resolve(path)
        } catch let error as ClientError where error.isRefusal(.nameNotFound) {
            return nil
        }
    }

    /// Files without a name whose time has not come.
    func unfinishedFiles() async throws -> Set<InodeID> {
        let now = client.loop.wallClock()
        var files: Set<InodeID> = []
        for shard in ShardID.all {
            var begin = InodeID.null
            repeat {
                let page = try await client.call(VisitTransientFilesRequest(beginId: begin, mtu: 0), shard: shard)
                files.formUnion(page.files.filter { $0.deadlineTime.nanoseconds > now }.map(\.id))
                begin = page.nextId
            } while !begin.isNull
        }
        return files
    }

    // MARK: Blocks

    /// Lets block services read and check these blocks, all of them at the same time.
    /// - Returns: for each whether it is sound; an error when that is not known.
    func check(_ blocks: [SpanBlocks.Block]) async -> [Result<Bool, ClientError>] {
        await withTaskGroup(of: (Int, Result<Bool, ClientError>).self) { group in
            for (index, block) in blocks.enumerated() {
                group.addTask { (index, await self.check(block)) }
            }
            var results = [Result<Bool, ClientError>](repeating: .success(false), count: blocks.count)
            for await (index, result) in group { results[index] = result }
            return results
        }
    }

    private func check(_ block: SpanBlocks.Block) async -> Result<Bool, ClientError> {
        switch await check(block.block, block.source.service, size: UInt32(block.bytes), crc: block.source.crc) {
        case .success: return .success(true)
        case .failure(let error):
            let isBad = error.isRefusal(.badBlockCrc) || error.isRefusal(.blockNotFound)
            return isBad ? .success(false) : .failure(error)
        }
    }

    /// Whether a service has a block, whatever is in it.
    func has(_ block: BlockID, at service: BlockService) async throws -> Bool {
        switch await check(block, service, size: 4096, crc: CRC32C(rawValue: 0)) {
        case .success: return true
        case .failure(let error):
            if error.isRefusal(.blockNotFound) { return false }
            if error.isRefusal(.badBlockCrc) { return true }
            throw error
        }
    }

    private func check(
        _ block: BlockID, _ service: BlockService, size: UInt32, crc: CRC32C
    ) async -> Result<MAC?, ClientError> {
        let request = CheckBlockRequest(blockId: block, size: size, crc: crc)
        return await withCheckedContinuation { continuation in
            let operation = BlockOperation(request, service, answer: .none) { continuation.resume(returning: $0) }
            client.core.blocks.submit(operation, purpose: .check)
        }
    }

    // MARK: Policies

    /// Has the large spans of a directory below the root stored otherwise than the root's policy says, on as many
    /// disks: one data block less and one parity block more, or where there is but one data block, in shorter spans.
    func changeSpanPolicy(_ directory: String) async throws {
        var policy = try await client.writePolicies(of: .root).span
        guard var last = policy.entries.popLast() else { return }
        if last.parity.data > 2 {
            last.parity = Parity(data: Int(last.parity.data) - 1, parity: Int(last.parity.parity) + 1)
        } else {
            last.maxSize /= 2
        }
        policy.entries.append(last)
        try await client.setPolicy(policy, of: try await client.resolve(path: directory))
    }

    func inheritSpanPolicy(_ directory: String) async throws {
        try await client.clearPolicy(.span, of: try await client.resolve(path: directory))
    }

    // MARK: Block services

    /// Tells the registry that a disk will never come back, as operators do: what block services ask for themselves is
    /// limited to one an hour.
    func decommission(_ service: BlockServiceID) async throws {
        let connection = RegistryConnection(
            on: client.loop, addresses: [registry], key: client.options.clusterKey)
        defer { connection.close() }
        let flags = BlockServiceFlags.decommissioned
        _ = try await connection.call(
            SetBlockServiceFlagsRequest(id: service, flags: flags, flagsMask: flags.rawValue))
    }

    /// Files with a name that have blocks at a service, over all shards. What killed mounts and collectors left half done
    /// is not moved; it goes when its deadline has passed.
    func countFiles(at service: BlockServiceID) async throws -> Int {
        var count = 0
        for shard in ShardID.all {
            var begin = InodeID.null
            while true {
                let request = BlockServiceFilesRequest(blockServiceId: service, startFrom: begin)
                let files = try await client.call(request, shard: shard).fileIds
                for file in files where try await isLinked(file) { count += 1 }
                guard let last = files.last, last > begin else { break }
                begin = InodeID(rawValue: last.rawValue + 1)
            }
        }
        return count
    }

    private func isLinked(_ file: InodeID) async throws(ClientError) -> Bool {
        do throws(ClientError) {
            _ = try await client.call(StatFileRequest(id: file), shard: file.shard)
            return true
        } catch where error.isRefusal(.fileNotFound) {
            return false
        }
    }
}
