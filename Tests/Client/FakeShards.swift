import Client
import Erasure
import EventLoop
import Protocol
import TestServices
import Testing

/// Stands for all 256 shards and the coordinator: enough of them to write, name and read files, in memory, on one UDP
/// socket. Loses and doubles datagrams on request.
///
/// `@unchecked Sendable`: used on its loop only.
final class FakeShards: @unchecked Sendable {
    /// What happens to a request or its answer.
    enum Fate { case normal, loseRequest, loseAnswer, doubleAnswer }

    struct File {
        var cookie: Cookie
        var spans: [FetchedSpan] = []
        var size: UInt64 = 0
        var isDirty = false
        var isLinked = false
        /// A linked one that leaves no snapshot.
        var isSuperseded = false
        /// Of the file that it is a version of.
        var number = InodeID.null
        var attributes = FakeAttributes()
        var mtime: UInt64 = 0
        var deadline: UInt64 = 0
    }

    let blocks: FakeBlockServices
    private let socket: UDPSocket
    /// Decides by kind and how often this request came before.
    var fate: (_ kind: UInt8, _ repetition: Int) -> Fate = { _, _ in .normal }
    /// The same for requests to the coordinator.
    var coordinatorFate: (_ repetition: Int) -> Fate = { _ in .normal }
    /// Called whenever the answer of a shard was lost.
    var afterLoss: (FakeShards) -> Void = { _ in }
    /// Of every directory that is not in `directories`.
    var info: DirectoryInfo
    /// Parents and own policies; a nil parent: the directory has gone.
    var directories: [InodeID: (parent: InodeID?, info: DirectoryInfo)] = [:]
    /// Called after each part of the extended attributes of a file.
    var afterPart: ((FakeShards) -> Void)?
    /// So many files are made by another shard than was asked.
    var foreignFiles = 0
    var files: [InodeID: File] = [:]
    var names: [[UInt8]: (id: InodeID, creationTime: Timestamp)] = [:]
    /// What the last removal of a name left behind.
    private(set) var history: [Edge] = []
    /// Another way of leaving the history of a name than the request would: as if somebody else had been there first.
    var leavesOwned: Bool?
    /// What the next requests of a kind are answered with, in turn, instead of being carried out.
    var refusals: [ShardKind: ArraySlice<ProtocolError>] = [:]
    /// As if a directory had every name.
    var refusesLinks = false
    /// The last span of each file, for who asks for it once more.
    private var lastPlaced: [InodeID: (request: AddSpanInitiateRequest, blocks: [AddSpanInitiateBlockInfo])] = [:]
    /// Every request that was carried out.
    private(set) var kinds: [ShardKind] = []
    private(set) var placements: [AddSpanInitiateRequest] = []
    /// So many references are made before one is refused.
    var referencesBeforeRefusal = Int.max
    /// Bytes that files refer to instead of having copies.
    var referredBytes: UInt64 = 0
    /// Requests that did nothing but move a deadline.
    private(set) var touches = 0
    /// How long a transient file lives that nobody touches.
    var lifetimeNanoseconds: UInt64 = 7_200_000_000_000
    private var seen: [UInt64: Int] = [:]
    private var constructed: UInt64 = 0
    private(set) var time: UInt64 = 1_700_000_000_000_000_000

    var address: AddrsInfo { FakeShards.addresses(socket.localAddress) }

    init(on loop: EventLoop, blocks: FakeBlockServices, info: DirectoryInfo) throws {
        self.blocks = blocks
        self.info = info
        socket = try UDPSocket(on: loop, binding: .loopback(port: 0))
        // A test may end while something is under way.
        socket.onDatagram = { [weak self] datagram, sender in self?.receive(datagram, sender) }
    }

    func close() { socket.close() }

    /// The checksum of block `index`, from those of its cells.
    private static func blockSum(_ request: AddSpanInitiateRequest, _ index: Int) -> CRC32C {
        let blocks = Int(request.parity.blocks)
        let sum = (0..<Int(request.stripes)).reduce(UInt32(0)) { sum, stripe in
            let cell = request.crcs[stripe * blocks + index].rawValue
            return Castagnoli.append(sum, cell, secondLength: UInt64(request.cellSize))
        }
        return CRC32C(rawValue: sum)
    }

    static func addresses(_ address: SocketAddress) -> AddrsInfo {
        AddrsInfo(
            addr1: IpPort(addrs: IPv4Address(rawValue: address.address), port: address.port),
            addr2: IpPort(addrs: .any, port: 0))
    }

    private func receive(_ datagram: UnsafeRawBufferPointer, _ sender: SocketAddress) {
        if ProtocolWord(of: datagram) == .cdcRequest { return receiveAsCoordinator(datagram, sender) }
        guard let packet = try? PlainPacket(datagram, expecting: .shardRequest),
            let kind = ShardKind(rawValue: packet.kind)
        else { return }
        let repetition = seen[packet.requestID, default: 0]
        seen[packet.requestID] = repetition + 1
        let fate = fate(packet.kind, repetition)
        if fate == .loseRequest { return }
        var reader = WireReader(packet.body)
        guard let request = try? AnyShardRequest.decode(kind: kind, from: &reader) else { return }
        kinds.append(kind)
        let refusal = refusals[kind]?.popFirst()
        let outcome = refusal.map { .failure($0) } ?? Result { () throws(ProtocolError) in try answer(request) }
        if fate == .loseAnswer {
            afterLoss(self)
            return
        }
        for _ in 0..<(fate == .doubleAnswer ? 2 : 1) {
            socket.answer(outcome, kind, packet.requestID, to: sender)
        }
    }

    /// A directory without contents.
    func addDirectory(_ name: [UInt8]) {
        names[name] = (InodeID(type: .directory, shard: ShardID(rawValue: 0), index: UInt64(names.count + 1)), now())
    }

    /// Of the coordinator there is only SOFT_UNLINK_DIRECTORY.
    private func receiveAsCoordinator(_ datagram: UnsafeRawBufferPointer, _ sender: SocketAddress) {
        guard let packet = try? PlainPacket(datagram, expecting: .cdcRequest),
            let request = try? SoftUnlinkDirectoryRequest(decoding: packet.body)
        else { return }
        let repetition = seen[packet.requestID, default: 0]
        seen[packet.requestID] = repetition + 1
        let fate = coordinatorFate(repetition)
        if fate == .loseRequest { return }
        let isThere = names[request.name]?.creationTime == request.creationTime
        if isThere { removeName(request.name, isOwned: false) }
        if fate == .loseAnswer { return }
        let id = packet.requestID
        socket.send(to: sender) { room in
            var writer = WireWriter(room)
            do {
                if isThere {
                    try PlainPacket.writeHeader(.cdcResponse, requestID: id, kind: packet.kind, into: &writer)
                } else {
                    try PlainPacket.write(.cdcResponse, requestID: id, error: .edgeNotFound, into: &writer)
                }
                return writer.count
            } catch {
                return 0
            }
        }
    }

    /// Time goes by.
    func pass(_ nanoseconds: UInt64) { time += nanoseconds }

    /// Somebody publishes the next version of a file.
    func publishNext(_ file: TransientHandle, _ name: [UInt8], over version: InodeID, number: InodeID) {
        let request = PublishFileRequest(
            fileId: file.id, cookie: file.cookie, storageClass: .empty, byteOffset: 0, size: 0, crc: .zero, body: [],
            ownerId: .root, name: name, isConditional: true, expectedId: version, number: number, supersedes: true)
        do throws(ProtocolError) {
            _ = try publish(request)
        } catch {
            Issue.record("the next version is refused: \(error)")
        }
    }

    /// The collector comes by.
    func collectExpired() { files = files.filter { $1.isLinked || time <= $1.deadline } }

    /// A file was removed, and collected.
    func forget(_ id: InodeID) { files[id] = nil }

    /// Somebody gives a file another name.
    func rename(_ name: [UInt8], to other: [UInt8]) {
        if let edge = names.removeValue(forKey: name) { names[other] = edge }
    }

    func now() -> Timestamp {
        time += 1000
        return Timestamp(nanoseconds: time)
    }

    private func answer(_ request: AnyShardRequest) throws(ProtocolError) -> AnyShardResponse {
        switch request {
        case .statDirectory(let request):
            if let known = directories[request.id] {
                guard let parent = known.parent else { throw .directoryNotFound }
                return .statDirectory(StatDirectoryResponse(mtime: now(), owner: parent, info: known.info))
            }
            return .statDirectory(StatDirectoryResponse(mtime: now(), owner: .null, info: info))
        case .statFile(let request):
            guard let file = files[request.id], file.isLinked else { throw .fileNotFound }
            return .statFile(StatFileResponse(mtime: now(), atime: now(), size: file.size))
        case .lookup(let request):
            guard let found = names[request.name] else { throw .nameNotFound }
            return .lookup(LookupResponse(targetId: found.id, creationTime: found.creationTime))
        case .constructFile(let request): return .constructFile(construct(request.type, at: time))
        case .constructFiles(let request):
            return .constructFiles(
                ConstructFilesResponse(files: (0..<request.count).map { _ in construct(request.type, at: time) }))
        case .addInlineSpan(let request): return try addInline(request)
        case .addSpanInitiate(let request): return try initiate(request)
        case .addSpanCertify(let request): return try certify(request)
        case .moveSpan(let request): return try move(request)
        case .linkFile(let request): return try link(request)
        case .linkFileWithSpan(let request): return try linkWithSpan(request)
        case .linkFileIfUnchanged(let request): return try linkIfUnchanged(request)
        case .publishFile(let request): return try publish(request)
        case .statVersion(let request): return try statVersion(request)
        case .publishFileWithAttributes(let request): return try publish(request)
        case .certifyAndPublish(let request): return try certifyAndPublish(request)
        case .statAttributes(let request): return try statAttributes(request)
        case .setAttributes(let request): return try setAttributes(request)
        case .extendedAttributes(let request): return try extendedAttributes(request)
        case .scrapTransientFile(let request):
            files[request.id]?.deadline = 0
            return .scrapTransientFile(ScrapTransientFileResponse())
        case .localFileSpans(let request): return try spans(request)
        case .fileSpans(let request): return try spans(request)
        case .referSpans(let request): return try refer(request)
        case .transientLifetime:
            return .transientLifetime(TransientLifetimeResponse(nanoseconds: lifetimeNanoseconds))
        case .visitTransientFiles(let request):
            let found = files.filter { !$1.isLinked && $0.rawValue >= request.beginId.rawValue }
            let sorted = found.sorted { $0.key.rawValue < $1.key.rawValue }.map {
                TransientFile(
                    id: $0.key, cookie: $0.value.cookie, deadlineTime: Timestamp(nanoseconds: $0.value.deadline))
            }
            return .visitTransientFiles(VisitTransientFilesResponse(nextId: .null, files: Array(sorted.prefix(10))))
        case .statTransientFile(let request):
            guard let file = files[request.id], !file.isLinked else { throw .fileNotFound }
            return .statTransientFile(
                StatTransientFileResponse(mtime: Timestamp(nanoseconds: file.mtime), size: file.size, note: []))
        case .softUnlinkFile(let request): return try unlink(request)
        case .fullReadDir:
            let cursor = FullReadDirCursor(current: false, startName: [], startTime: Timestamp(nanoseconds: 0))
            return .fullReadDir(FullReadDirResponse(next: cursor, results: history))
        default: throw .internalError
        }
    }

    private func construct(_ type: InodeType, at time: UInt64) -> ConstructFileResponse {
        let shard = ShardID(rawValue: foreignFiles > 0 ? 7 : 0)
        foreignFiles = max(foreignFiles - 1, 0)
        constructed += 1
        let id = InodeID(type: type, shard: shard, index: constructed)
        let cookie = Cookie(rawValue: id.rawValue ^ 0x5555)
        files[id] = File(cookie: cookie, mtime: time, deadline: time + lifetimeNanoseconds)
        return ConstructFileResponse(id: id, cookie: cookie)
    }

    func addInline(_ request: AddInlineSpanRequest) throws(ProtocolError) -> AnyShardResponse {
        var file = try transient(request.fileId, request.cookie)
        if request.body.isEmpty {
            guard request.storageClass == .empty, request.size == 0 else { throw .badSpanBody }
            touches += 1
            files[request.fileId] = file
            return .addInlineSpan(AddInlineSpanResponse())
        }
        if file.size == request.byteOffset + UInt64(request.size) {
            return .addInlineSpan(AddInlineSpanResponse())
        }
        guard file.size == request.byteOffset, request.byteOffset % 4096 == 0 else { throw .spanNotFound }
        guard !file.isDirty else { throw .lastSpanStateNotClean }
        guard !request.body.isEmpty, request.body.count <= Int(request.size) else { throw .badSpanBody }
        let header = FetchedSpanHeader(
            byteOffset: request.byteOffset, size: request.size, crc: request.crc, storageClass: .inline)
        file.spans.append(FetchedSpan(header: header, body: .inline(FetchedInlineSpan(body: request.body))))
        file.size += UInt64(request.size)
        files[request.fileId] = file
        return .addInlineSpan(AddInlineSpanResponse())
    }

    private func initiate(_ request: AddSpanInitiateRequest) throws(ProtocolError) -> AnyShardResponse {
        var file = try transient(request.fileId, request.cookie)
        if let placed = lastPlaced[request.fileId], file.isDirty, placed.request.byteOffset == request.byteOffset,
            placed.request.size == request.size, placed.request.crc == request.crc
        {
            return .addSpanInitiate(AddSpanInitiateResponse(blocks: placed.blocks))
        }
        guard file.size == request.byteOffset, request.byteOffset % 4096 == 0 else { throw .spanNotFound }
        guard !file.isDirty else { throw .lastSpanStateNotClean }
        let count = Int(request.parity.blocks)
        guard request.crcs.count == count * Int(request.stripes) else { throw .badSpanBody }
        let chosen = blocks.pick(count, avoiding: request.blacklist)
        guard chosen.count == count else { throw .couldNotPickBlockServices }
        placements.append(request)
        let infos = chosen.map { index in
            AddSpanInitiateBlockInfo(
                blockServiceAddrs: blocks.announced, blockServiceId: FakeBlockServices.id(index),
                blockServiceFailureDomain: FakeBlockServices.domain(index),
                blockId: BlockID(rawValue: now().nanoseconds),
                certificate: MAC(rawValue: 7))
        }
        let blockSpan = FetchedBlocksSpan(
            parity: request.parity, stripes: request.stripes, cellSize: request.cellSize,
            blocks: zip(infos, chosen).enumerated().map { index, place in
                FetchedBlock(
                    blockServiceIx: UInt8(place.1), blockId: place.0.blockId, crc: Self.blockSum(request, index))
            },
            stripesCrc: Array(repeating: .zero, count: Int(request.stripes)))
        let header = FetchedSpanHeader(
            byteOffset: request.byteOffset, size: request.size, crc: request.crc, storageClass: request.storageClass)
        file.spans.append(FetchedSpan(header: header, body: .blocks(blockSpan)))
        file.size += UInt64(request.size)
        file.isDirty = true
        files[request.fileId] = file
        lastPlaced[request.fileId] = (request, infos)
        return .addSpanInitiate(AddSpanInitiateResponse(blocks: infos))
    }

    func certify(_ request: AddSpanCertifyRequest) throws(ProtocolError) -> AnyShardResponse {
        var file = try transient(request.fileId, request.cookie)
        guard case .blocks(let span)? = file.spans.last?.body else { throw .cannotCertifyBlocklessSpan }
        guard request.proofs.map(\.blockId) == span.blocks.map(\.blockId),
            request.proofs.allSatisfy({ $0.proof == FakeBlockServices.proof($0.blockId) })
        else { throw .badBlockProof }
        file.isDirty = false
        files[request.fileId] = file
        return .addSpanCertify(AddSpanCertifyResponse())
    }

    private func move(_ request: MoveSpanRequest) throws(ProtocolError) -> AnyShardResponse {
        // Whoever cleans up need not be in time.
        var file = try unfinished(request.fileId1, request.cookie1)
        var scratch = try unfinished(request.fileId2, request.cookie2)
        guard file.isDirty, let span = file.spans.last, span.header.byteOffset == request.byteOffset1,
            span.header.size == request.spanSize, scratch.size == request.byteOffset2
        else { throw .spanNotFound }
        file.spans.removeLast()
        file.size = request.byteOffset1
        file.isDirty = false
        scratch.spans.append(span)
        scratch.size += UInt64(request.spanSize)
        scratch.isDirty = true
        files[request.fileId1] = file
        files[request.fileId2] = scratch
        return .moveSpan(MoveSpanResponse())
    }

    private func unlink(_ request: SoftUnlinkFileRequest) throws(ProtocolError) -> AnyShardResponse {
        guard let found = names[request.name], found.id == request.fileId, found.creationTime == request.creationTime
        else { throw .edgeNotFound }
        let time = removeName(request.name, isOwned: leavesOwned ?? true)
        return .softUnlinkFile(SoftUnlinkFileResponse(deleteCreationTime: time))
    }

    @discardableResult
    private func removeName(_ name: [UInt8], isOwned: Bool) -> Timestamp {
        let time = now()
        guard let removed = names.removeValue(forKey: name) else { return time }
        let hash = NameHash(of: name)
        history = [
            Edge(
                current: false, targetId: InodeIDExtra(id: .null, flag: false), nameHash: hash, name: name,
                creationTime: time),
            Edge(
                current: false, targetId: InodeIDExtra(id: removed.id, flag: isOwned), nameHash: hash, name: name,
                creationTime: removed.creationTime),
        ]
        return time
    }

    func transient(_ id: InodeID, _ cookie: Cookie) throws(ProtocolError) -> File {
        var file = try unfinished(id, cookie)
        guard time <= file.deadline else { throw .fileNotFound }
        file.mtime = now().nanoseconds
        file.deadline = file.mtime + lifetimeNanoseconds
        return file
    }

    private func unfinished(_ id: InodeID, _ cookie: Cookie) throws(ProtocolError) -> File {
        guard let file = files[id], !file.isLinked else { throw .fileNotFound }
        guard file.cookie == cookie else { throw .badCookie }
        return file
    }
}
