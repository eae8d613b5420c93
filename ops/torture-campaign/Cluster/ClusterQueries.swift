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
                guard let info = SpanInfo(span, services: page.blockServices) else {
                    throw ClientError(.malformedAnswer, "LOCAL_FILE_SPANS of \(file)", "an impossible span")
                }
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
                let page = try await client.call(VisitTransientFilesRequest(beginId: begin, mtu: 8972), shard: shard)
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
        let request = CheckBlockRequest(blockId: block.block, size: UInt32(block.bytes), crc: block.source.crc)
        let result: Result<MAC?, ClientError> = await withCheckedContinuation { continuation in
            let operation = BlockOperation(request, block.source.service, answer: .none) {
                continuation.resume(returning: $0)
            }
            client.core.connections.submit(operation, purpose: .check)
        }
        switch result {
        case .success: return .success(true)
        case .failure(let error):
            let isBad = error.isRefusal(.badBlockCrc) || error.isRefusal(.blockNotFound)
            return isBad ? .success(false) : .failure(error)
        }
    }

    // MARK: Block services

    /// Tells the registry that a disk will never come back.
    func decommission(_ service: BlockServiceID) async throws {
        let connection = RegistryConnection(on: client.loop, addresses: [registry])
        defer { connection.close() }
        _ = try await connection.call(DecommissionBlockServiceRequest(id: service))
    }

    /// Files with blocks at a service, over all shards.
    func countFiles(at service: BlockServiceID) async throws -> Int {
        var count = 0
        for shard in ShardID.all {
            count += try await client.call(
                BlockServiceFilesRequest(blockServiceId: service, startFrom: .null), shard: shard
            ).fileIds.count
        }
        return count
    }
}
