import Client
import Protocol
import Scrubbing
import Synchronization

/// A cluster as scrubbing sees it: what shards list, what disks hold, and a clock that runs when somebody sleeps.
final class FakeCluster: ScrubCluster {
    struct Block: Hashable, Sendable {
        var service: BlockServiceID
        var id: BlockID
    }

    struct State: Sendable {
        var nanoseconds: UInt64 = 1_700_000_000_000_000_000
        var flags: [BlockServiceID: BlockServiceFlags] = [:]
        var files: [InodeID: [[Block]]] = [:]
        /// Files being written or about to be destroyed.
        var transient: Set<InodeID> = []
        /// What a check answers; anything else is sound.
        var outcomes: [BlockID: BlockCheck] = [:]
        var silentDisks: Set<BlockServiceID> = []
        /// Checks without an answer take so long.
        var stallSeconds: UInt64 = 0
        var silentShards: Set<ShardID> = []
        /// Files that FILE_SPANS fails for.
        var poisonedFiles: Set<InodeID> = []
        /// Files whose first span FILE_SPANS describes in a way that makes no sense.
        var impossibleFiles: Set<InodeID> = []
        /// So many STAT_FILE are refused.
        var statRefusals = 0
        var isUnrepairable = false
        var strangeAnswers = false
        /// Every check, in order.
        var checks: [Block] = []
        var replaced: [BlockID] = []
        var underWay: [BlockServiceID: Int] = [:]
        var mostUnderWay = 0
        var nextBlock: UInt64 = 1_000_000
        /// Called with the number of checks so far.
        var afterCheck: (@Sendable (Int) -> Void)?
        /// Called with each shard whose files are asked for.
        var onListing: (@Sendable (ShardID) -> Void)?
    }

    static let blockBytes: UInt32 = 8192

    let state = Mutex(State())

    init(disks: Int, files: Int, spansPerFile: Int = 2, blocksPerSpan: Int = 3) {
        state.withLock { state in
            for disk in 1...disks { state.flags[Self.disk(disk)] = [] }
            var block: UInt64 = 1
            for number in 0..<files {
                let shard = ShardID(rawValue: UInt8(number % 7 * 40))
                let file = InodeID(type: .file, shard: shard, index: UInt64(number + 1))
                state.files[file] = (0..<spansPerFile).map { span in
                    (0..<blocksPerSpan).map { index in
                        block += 1
                        let disk = Self.disk((number + span + index) % disks + 1)
                        return Block(service: disk, id: BlockID(rawValue: block))
                    }
                }
            }
        }
    }

    static func disk(_ number: Int) -> BlockServiceID { BlockServiceID(rawValue: UInt64(number) << 8) }

    func change<Result: Sendable>(_ body: (inout sending State) -> sending Result) -> Result { state.withLock(body) }

    var blocks: Set<Block> { state.withLock { Set($0.files.values.joined().joined()) } }

    func advance(seconds: UInt64) { state.withLock { $0.nanoseconds += seconds * 1_000_000_000 } }

    // MARK: ScrubCluster

    var now: Timestamp { Timestamp(nanoseconds: state.withLock(\.nanoseconds)) }
    var monotonicNanoseconds: UInt64 { state.withLock(\.nanoseconds) }

    func sleep(nanoseconds: UInt64) async {
        state.withLock { $0.nanoseconds += nanoseconds }
        await Task.yield()
    }

    func disks() async throws(ClientError) -> [ScrubDisk] {
        state.withLock { $0.flags }.map { ScrubDisk(id: $0.key, path: "host:/disk-\($0.key)", flags: $0.value) }
    }

    func check(_ block: ExpectedBlock) async -> BlockCheck {
        let disk = block.service.id
        state.withLock { state in
            state.underWay[disk, default: 0] += 1
            state.mostUnderWay = max(state.mostUnderWay, state.underWay[disk, default: 0])
        }
        await Task.yield()
        let (outcome, count, after) = state.withLock { state -> (BlockCheck, Int, (@Sendable (Int) -> Void)?) in
            state.underWay[disk, default: 0] -= 1
            state.checks.append(Block(service: disk, id: block.block))
            if state.silentDisks.contains(disk) {
                return (.noAnswer(ClientError(.blockTransfer, "CHECK_BLOCK")), state.checks.count, state.afterCheck)
            }
            return (state.outcomes[block.block] ?? .sound, state.checks.count, state.afterCheck)
        }
        after?(count)
        if case .noAnswer = outcome { state.withLock { $0.nanoseconds += $0.stallSeconds * 1_000_000_000 } }
        return outcome
    }

    func replace(_ blocks: Set<BlockID>, of file: InodeID, spanAt: UInt64) async throws(ClientError) {
        let isUnrepairable = state.withLock { state in
            guard !state.isUnrepairable else { return true }
            state.files[file] = state.files[file]?.map { span in
                span.map { block in
                    guard blocks.contains(block.id) else { return block }
                    state.replaced.append(block.id)
                    state.nextBlock += 1
                    return Block(service: block.service, id: BlockID(rawValue: state.nextBlock))
                }
            }
            return false
        }
        if isUnrepairable { throw ClientError(.tooManyBlocksMissing, "repair of \(file)") }
    }

    func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
        let answer: AnyShardResponse?
        switch request.erased {
        case .blockServiceFiles(let request):
            state.withLock { $0.onListing }?(shard)
            answer = .blockServiceFiles(files(request, shard))
        case .fileSpans(let request): answer = spans(request).map { .fileSpans($0) }
        case .statFile(let request):
            let isRefused = state.withLock { state in
                defer { state.statRefusals = max(state.statRefusals - 1, 0) }
                return state.statRefusals > 0
            }
            if isRefused { throw ClientError(.refused(.internalError), "STAT_FILE") }
            let isFinished = state.withLock { $0.files[request.id] != nil && !$0.transient.contains(request.id) }
            answer = isFinished ? .statFile(StatFileResponse(mtime: .zero, atime: .zero, size: 1)) : nil
        default: answer = nil
        }
        if case .fileSpans(let request) = request.erased,
            state.withLock({ $0.poisonedFiles.contains(request.fileId) })
        {
            throw ClientError(.refused(.internalError), "FILE_SPANS")
        }
        guard !state.withLock({ $0.silentShards.contains(shard) }) else {
            throw ClientError(.timeout, "\(R.kind) at shard \(shard)")
        }
        guard let answer, let response = R.response(in: answer) else {
            throw ClientError(.refused(.fileNotFound), "\(R.kind)")
        }
        return response
    }

    /// Three at a time.
    private func files(_ request: BlockServiceFilesRequest, _ shard: ShardID) -> BlockServiceFilesResponse {
        state.withLock { state in
            if state.strangeAnswers { return BlockServiceFilesResponse(fileIds: [.root, .root]) }
            let found = state.files.filter { file, spans in
                file.shard == shard && file >= request.startFrom
                    && spans.joined().contains { $0.service == request.blockServiceId }
            }
            return BlockServiceFilesResponse(fileIds: Array(found.keys.sorted().prefix(3)))
        }
    }

    /// One span at a time.
    private func spans(_ request: FileSpansRequest) -> FileSpansResponse? {
        state.withLock { state in
            guard let spans = state.files[request.fileId] else { return nil }
            let index = Int(request.byteOffset / 65_536)
            guard index < spans.count else { return FileSpansResponse(nextOffset: 0, blockServices: [], spans: []) }
            let next = index + 1 < spans.count ? UInt64(index + 1) * 65_536 : 0
            var page = Self.page(spans[index], at: UInt64(index) * 65_536, next: next, state.flags)
            if index == 0, state.impossibleFiles.contains(request.fileId),
                case .locations(var body) = page.spans[0].body
            {
                body.locations[0].cellSize = 0
                page.spans[0].body = .locations(body)
            }
            return page
        }
    }

    private static func page(
        _ span: [Block], at offset: UInt64, next: UInt64, _ flags: [BlockServiceID: BlockServiceFlags]
    ) -> FileSpansResponse {
        let none = IpPort(addrs: IPv4Address(rawValue: 0), port: 0)
        let services = span.map { block in
            BlockService(
                addrs: AddrsInfo(addr1: none, addr2: none), id: block.service, flags: flags[block.service] ?? [])
        }
        let blocks = span.enumerated().map { index, block in
            FetchedBlock(blockServiceIx: UInt8(index), blockId: block.id, crc: CRC32C(rawValue: 0))
        }
        let copy = FetchedBlockServices(
            locationId: .default, storageClass: .flash, parity: Parity(data: 1, parity: span.count - 1),
            stripes: 2, cellSize: blockBytes / 2, blocks: blocks,
            stripesCrc: [CRC32C(rawValue: 0), CRC32C(rawValue: 0)])
        let header = FetchedSpanHeaderFull(
            byteOffset: offset, size: 65_536, crc: CRC32C(rawValue: 0), isInline: false)
        return FileSpansResponse(
            nextOffset: next, blockServices: services,
            spans: [FetchedFullSpan(header: header, body: .locations(FetchedLocations(locations: [copy])))])
    }
}
