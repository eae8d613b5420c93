import Client
import Protocol
import Relayout
import Synchronization

/// Directories of one shard with files of two spans each.
final class FakeNamespace: DefragCluster {
    static let shard = ShardID(rawValue: 9)

    private struct State {
        var policies: WritePolicies?
        var failing: Set<InodeID> = []
        var changing: Set<InodeID> = []
        var distributed: [InodeID: [LocationID]] = [:]
    }

    private let state = Mutex(State())
    private let contents: [(directory: InodeID, files: [InodeID])]
    private let span: @Sendable (UInt64) -> FetchedSpan

    init(directories: Int, filesPerDirectory: Int, span: @escaping @Sendable (UInt64) -> FetchedSpan) {
        self.span = span
        contents = (1...directories).map { directory in
            let files = (0..<filesPerDirectory).map { file in
                InodeID(
                    type: .file, shard: ShardID(rawValue: UInt8(file)), index: UInt64(directory * 100 + file))
            }
            return (InodeID(type: .directory, shard: Self.shard, index: UInt64(directory)), files)
        }
    }

    var files: [InodeID] { contents.flatMap(\.files) }
    var policies: WritePolicies? {
        get { state.withLock(\.policies) }
        set { state.withLock { $0.policies = newValue } }
    }
    var failing: Set<InodeID> {
        get { state.withLock(\.failing) }
        set { state.withLock { $0.failing = newValue } }
    }
    /// Files whose spans somebody else stores anew meanwhile.
    var changing: Set<InodeID> {
        get { state.withLock(\.changing) }
        set { state.withLock { $0.changing = newValue } }
    }

    /// Where the spans of files are, if not in the first location alone.
    var distributed: [InodeID: [LocationID]] {
        get { state.withLock(\.distributed) }
        set { state.withLock { $0.distributed = newValue } }
    }

    func policies(of directory: InodeID) async throws(ClientError) -> WritePolicies {
        guard let policies else { throw ClientError(.badPolicy, "policies") }
        return policies
    }

    func rewrite(
        _ span: FetchedSpan, of file: InodeID, _ policies: WritePolicies
    ) async throws(ClientError) -> SpanLayout? {
        guard !failing.contains(file) else { throw ClientError(.tooManyBlocksMissing, "rewriting") }
        guard !changing.contains(file) else { throw ClientError(.refused(.swapSpansMismatchingBlocks), "rewriting") }
        return policies.layout(dataBytes: Int(span.header.size))
    }

    func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
        let answer: AnyShardResponse?
        switch request.erased {
        case .visitDirectories(let request): answer = .visitDirectories(visit(request))
        case .readDir(let request): answer = .readDir(read(request))
        case .localFileSpans(let request): answer = .localFileSpans(spans(request))
        case .fileSpans(let request): answer = .fileSpans(everywhere(request))
        default: answer = nil
        }
        guard let answer, let response = R.response(in: answer) else {
            throw ClientError(.refused(.malformedRequest), "\(R.kind)")
        }
        return response
    }

    /// Two at a time.
    private func visit(_ request: VisitDirectoriesRequest) -> VisitDirectoriesResponse {
        let ids = contents.map(\.directory).filter { $0 >= request.beginId }
        return VisitDirectoriesResponse(nextId: ids.count > 2 ? ids[2] : .null, ids: Array(ids.prefix(2)))
    }

    /// Three names at a time; the hash is ten times the number of the file.
    private func read(_ request: ReadDirRequest) -> ReadDirResponse {
        let files = contents.first { $0.directory == request.dirId }?.files ?? []
        let start = Int(request.startHash.rawValue + 9) / 10
        let edges = files.enumerated().dropFirst(start).prefix(3).map { index, file in
            CurrentEdge(
                targetId: file, nameHash: NameHash(rawValue: UInt64(index) * 10), name: Array("f\(index)".utf8),
                creationTime: .zero)
        }
        let next = start + 3 < files.count ? UInt64(start + 3) * 10 : 0
        return ReadDirResponse(nextHash: NameHash(rawValue: next), results: edges)
    }

    private static let service = BlockService(
        addrs: AddrsInfo(addr1: IpPort(addrs: .any, port: 1), addr2: IpPort(addrs: .any, port: 0)),
        id: BlockServiceID(rawValue: 1), flags: [])

    /// One span at a time.
    private func spans(_ request: LocalFileSpansRequest) -> LocalFileSpansResponse {
        let size: UInt64 = 1 << 20
        return LocalFileSpansResponse(
            nextOffset: request.byteOffset == 0 ? size : 0, blockServices: [Self.service],
            spans: [span(request.byteOffset)])
    }

    /// The span at the offset in all its locations.
    private func everywhere(_ request: FileSpansRequest) -> FileSpansResponse {
        let local = span(request.byteOffset)
        guard case .blocks(let blocks) = local.body else {
            return FileSpansResponse(nextOffset: 0, blockServices: [], spans: [])
        }
        let header = FetchedSpanHeaderFull(
            byteOffset: request.byteOffset, size: local.header.size, crc: local.header.crc, isInline: false)
        let copies = distributed[request.fileId, default: [.default]].map { location in
            FetchedBlockServices(
                locationId: location, storageClass: local.header.storageClass, parity: blocks.parity,
                stripes: blocks.stripes, cellSize: blocks.cellSize, blocks: blocks.blocks,
                stripesCrc: blocks.stripesCrc)
        }
        return FileSpansResponse(
            nextOffset: 0, blockServices: [Self.service],
            spans: [FetchedFullSpan(header: header, body: .locations(FetchedLocations(locations: copies)))])
    }
}
