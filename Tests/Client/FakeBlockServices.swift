import Client
import Erasure
import EventLoop
import Protocol

/// A block server with several services in memory, each of which can misbehave.
///
/// `@unchecked Sendable`: used on its loop only.
final class FakeBlockServices: @unchecked Sendable {
    enum Behaviour: Equatable {
        case normal
        /// Answers writes with an error before the data was read, and closes.
        case refusesWrites
        /// Closes the connection at any request.
        case hangsUp
        /// Never answers.
        case stalls
        /// Answers fetches with this.
        case refusesFetches(ProtocolError)
        /// Answers BLOCK_NOT_FOUND to fetches.
        case lostEverything
        /// Sends pages that do not match their checksums.
        case corrupts
        /// Sends one page of each block that does not match its checksum.
        case corruptsPage(Int)
        /// Sends whole pages of another place, with right checksums, and has their checksums.
        case confuses
        /// As before, but has the checksums of the right pages.
        case confusesPages
    }

    let all: Range<Int>
    var behaviours: [Int: Behaviour] = [:]
    /// Called at each request that a service hangs up at, with how often that was.
    var onHangUp: (FakeBlockServices, Int) -> Void = { _, _ in }
    private var hangUps = 0
    /// Whether the connection ends with each error, whatever is queued behind it, as many servers have it.
    var closesAfterErrors = false
    /// Whether FETCH_PAGE_SUMS is known.
    var knowsPageSums = true
    /// Blocks that are too young to be erased.
    var tooRecent: Set<BlockID> = []
    private(set) var blocks: [BlockID: [UInt8]] = [:]
    private(set) var fetchedBytes = 0
    /// Requests for page sums.
    private(set) var sumsFetched = 0
    private var listener: TCPListener?
    private var address_ = AddrsInfo(addr1: IpPort(addrs: .any, port: 0), addr2: IpPort(addrs: .any, port: 0))

    var address: AddrsInfo { address_ }
    /// What shards say in its stead, if anything.
    var outdatedAddress: AddrsInfo?
    var announced: AddrsInfo { outdatedAddress ?? address }
    /// What shards say of all of them.
    var flags: BlockServiceFlags = []
    /// Those that have no space left.
    var full: Set<Int> = []

    /// What the registry says of them.
    var infos: [BlockServiceDeprecatedInfo] {
        all.map { index in
            BlockServiceDeprecatedInfo(
                id: Self.id(index), addrs: address, storageClass: .flash, failureDomain: Self.domain(index),
                secretKey: SecretKey(low: 0, high: 0), flags: [], capacityBytes: 1 << 40,
                availableBytes: full.contains(index) ? 0 : 1 << 30, blocks: 0, path: [],
                lastSeen: Timestamp(nanoseconds: 0), hasFiles: true, flagsLastChanged: Timestamp(nanoseconds: 0))
        }
    }

    init(on loop: EventLoop, count: Int) throws {
        all = 0..<count
        let listener = try TCPListener(on: loop, binding: .loopback(port: 0)) { [weak self] connection in
            // A test may end while something is under way.
            self?.serve(connection)
        }
        self.listener = listener
        address_ = FakeShards.addresses(listener.localAddress)
    }

    func close() { listener?.close() }

    static func id(_ index: Int) -> BlockServiceID { BlockServiceID(rawValue: UInt64(index) + 0x100) }
    static func domain(_ index: Int) -> FailureDomain { FailureDomain(name: "domain\(index)") }
    static func proof(_ block: BlockID) -> MAC { MAC(rawValue: block.rawValue ^ 0xabcd) }

    func pick(_ count: Int, avoiding blacklist: [BlacklistEntry]) -> [Int] {
        let allowed = all.filter { index in
            !full.contains(index)
                && !blacklist.contains { $0.failureDomain == Self.domain(index) || $0.blockService == Self.id(index) }
        }
        return Array(allowed.prefix(count))
    }

    private func serve(_ connection: TCPConnection) {
        var received: [UInt8] = []
        connection.onData = { [weak self] bytes in
            // A test may end while something is on its way.
            guard let self else { return connection.close() }
            received += bytes
            while connection.onData != nil, let used = step(received, connection) { received.removeFirst(used) }
        }
        connection.onEnd = { _ in connection.close() }
        connection.resumeReading()
    }

    /// Carries out the first request if it is complete; answers its length.
    private func step(_ bytes: [UInt8], _ connection: TCPConnection) -> Int? {
        guard !connection.isClosed, bytes.count >= BlocksRequestHeader.size else { return nil }
        let body = bytes.dropFirst(BlocksRequestHeader.size)
        let header = bytes.withUnsafeBytes { raw -> BlocksRequestHeader? in
            var reader = WireReader(raw)
            return try? BlocksRequestHeader(from: &reader)
        }
        guard let header, let kind = BlocksKind(rawValue: header.kind), body.count >= kind.minimumRequestSize else {
            return nil
        }
        let used = BlocksRequestHeader.size + kind.minimumRequestSize
        let fixed = Array(body.prefix(kind.minimumRequestSize))
        let behaviour = behaviours[Int(header.blockService) - 0x100] ?? .normal
        switch (kind, behaviour) {
        case (_, .hangsUp):
            connection.close()
            hangUps += 1
            onHangUp(self, hangUps)
            return nil
        case (_, .stalls): return nil
        case (.writeBlock, .refusesWrites):
            refuse(.internalError, connection, closes: true)
            return nil
        case (.writeBlock, _): return write(fixed, body.dropFirst(fixed.count), connection, used)
        case (.fetchBlockWithCrc, .refusesFetches(let code)):
            refuse(code, connection)
            return used
        case (.fetchBlockWithCrc, _):
            fetch(fixed, behaviour, connection)
            return used
        case (.fetchPageSums, _):
            fetchSums(fixed, behaviour, connection)
            return used
        case (.eraseBlock, _):
            erase(fixed, connection)
            return used
        default: return nil
        }
    }

    private func refuse(_ code: ProtocolError, _ connection: TCPConnection, closes: Bool = false) {
        connection.write(Self.error(code))
        guard closes || closesAfterErrors else { return }
        connection.onData = nil
        connection.closeAfterWriting()
    }

    private func erase(_ fixed: [UInt8], _ connection: TCPConnection) {
        guard let request = try? EraseBlockRequest(decoding: fixed) else { return }
        guard !tooRecent.contains(request.blockId) else { return refuse(.blockTooRecentForDeletion, connection) }
        blocks[request.blockId] = nil
        let answer = (try? EraseBlockResponse(proof: Self.proof(request.blockId)).encoded()) ?? []
        connection.write(Self.header(BlocksKind.eraseBlock.rawValue) + answer)
    }

    private func write(_ fixed: [UInt8], _ data: ArraySlice<UInt8>, _ connection: TCPConnection, _ used: Int) -> Int? {
        guard let request = try? WriteBlockRequest(decoding: fixed), data.count >= Int(request.size) else { return nil }
        let block = Array(data.prefix(Int(request.size)))
        let sum = block.withUnsafeBytes { Castagnoli.sum($0) }
        guard sum == request.crc.rawValue else {
            refuse(.badBlockCrc, connection, closes: true)
            return nil
        }
        blocks[request.blockId] = block
        let answer = (try? WriteBlockResponse(proof: Self.proof(request.blockId)).encoded()) ?? []
        connection.write(Self.header(BlocksKind.writeBlock.rawValue) + answer)
        return used + block.count
    }

    private func fetch(_ fixed: [UInt8], _ behaviour: Behaviour, _ connection: TCPConnection) {
        guard let request = try? FetchBlockWithCrcRequest(decoding: fixed) else { return }
        let end = Int(request.offset) + Int(request.count)
        guard behaviour != .lostEverything, var block = blocks[request.blockId] else {
            return refuse(.blockNotFound, connection)
        }
        if behaviour == .confuses || behaviour == .confusesPages { block = Self.confused(block) }
        guard end <= block.count, request.offset % 4096 == 0, request.count % 4096 == 0 else {
            return refuse(.blockFetchOutOfBounds, connection)
        }
        fetchedBytes += Int(request.count)
        var answer = Self.header(BlocksKind.fetchBlockWithCrc.rawValue)
        for offset in stride(from: Int(request.offset), to: end, by: 4096) {
            var page = Array(block[offset..<offset + 4096])
            let sum = page.withUnsafeBytes { Castagnoli.sum($0) }
            if behaviour == .corrupts || behaviour == .corruptsPage(offset / 4096) { page[17] ^= 1 }
            answer += page
            answer += (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }
        }
        connection.write(answer)
    }

    private func fetchSums(_ fixed: [UInt8], _ behaviour: Behaviour, _ connection: TCPConnection) {
        guard let request = try? FetchPageSumsRequest(decoding: fixed) else { return }
        sumsFetched += 1
        guard knowsPageSums else { return refuse(.malformedRequest, connection) }
        guard behaviour != .lostEverything, var block = blocks[request.blockId] else {
            return refuse(.blockNotFound, connection)
        }
        guard block.count == Int(request.size) else { return refuse(.badBlockCrc, connection) }
        if behaviour == .confuses { block = Self.confused(block) }
        var answer = Self.header(BlocksKind.fetchPageSums.rawValue)
        for offset in stride(from: 0, to: block.count, by: 4096) {
            let sum = block[offset..<offset + 4096].withUnsafeBytes { Castagnoli.sum($0) }
            answer += (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }
        }
        connection.write(answer)
    }

    /// The same pages in the opposite order; a single page becomes another one.
    private static func confused(_ block: [UInt8]) -> [UInt8] {
        guard block.count > 4096 else { return block.map { ~$0 } }
        return stride(from: block.count - 4096, through: 0, by: -4096).flatMap { block[$0..<$0 + 4096] }
    }

    private static func header(_ kind: UInt8) -> [UInt8] {
        let word = ProtocolWord.blocksResponse.rawValue
        return (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } + [kind]
    }

    private static func error(_ code: ProtocolError) -> [UInt8] {
        header(0) + [UInt8(truncatingIfNeeded: code.rawValue), UInt8(truncatingIfNeeded: code.rawValue >> 8)]
    }
}
