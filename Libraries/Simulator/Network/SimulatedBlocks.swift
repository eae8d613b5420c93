import Client
import Erasure
import Protocol

/// A client's connections to block services: makes messages of operations, and completes operations with answers. One
/// that is not answered has lost its connection, which shows after a while.
final class SimulatedBlocks: BlockExchange {
    var locate: (() -> Void)?

    private let endpoint: Endpoint
    private unowned let cluster: SimulatedCluster
    private var underway: [UInt64: (operation: BlockOperation, request: AnyBlocksRequest)] = [:]
    private var lastID: UInt64 = 0

    /// How long it takes until a connection is found to be broken, nanoseconds.
    private static let detection: ClosedRange<UInt64> = 300_000_000...20_000_000_000

    init(_ endpoint: Endpoint, _ cluster: SimulatedCluster) {
        self.endpoint = endpoint
        self.cluster = cluster
    }

    func submit(_ operation: BlockOperation, purpose: BlockPurpose) {
        guard let request = Self.request(of: operation), let server = cluster.server(of: operation.service.id) else {
            return cluster.world.find("\(endpoint) asks \(operation.service.id) for what nobody can read")
        }
        if case .writeBlock(let request) = request { keep(operation, request) }
        lastID += 1
        let id = lastID
        underway[id] = (operation, request)
        cluster.network.send(
            Message(id: id, body: .blockRequest(operation.service.id, request)), from: endpoint,
            to: .blockServer(server))
        cluster.world.after(cluster.world.random.spread(Self.detection)) { [weak self] in
            self?.underway.removeValue(forKey: id)?.operation.fail(.blockTransfer, "the connection broke")
        }
    }

    func abandon(_ operation: BlockOperation, _ reason: String) {
        guard let id = underway.first(where: { $0.value.operation === operation })?.key else { return }
        underway[id] = nil
        operation.fail(.blockTransfer, reason)
    }

    func located(_ places: [BlockServiceID: AddrsInfo]?) {}

    func close() {
        let left = underway.sorted { $0.key < $1.key }
        underway = [:]
        for (_, entry) in left { entry.operation.fail(.closed, "") }
    }

    /// Takes an answer from the network.
    func receive(_ message: Message) {
        guard case .blockAnswer(let answer) = message.body, let entry = underway.removeValue(forKey: message.id)
        else { return }
        let (operation, request) = entry
        switch answer {
        case .failure(let code):
            operation.complete(
                .failure(ClientError(.refused(code), "\(operation.kind) at block service \(operation.service.id)")))
        case .success(let proof):
            guard fill(operation.answer, request) else {
                return operation.fail(.blockTransfer, "the block has other bytes")
            }
            operation.complete(.success(proof))
        }
    }

    // MARK: Contents

    private static func request(of operation: BlockOperation) -> AnyBlocksRequest? {
        var reader = WireReader(operation.header)
        guard let header = try? BlocksRequestHeader(from: &reader) else { return nil }
        return try? AnyBlocksRequest.decode(kind: header.kind, body: reader.rest())
    }

    /// What a service is told to keep must be what it is told that it is.
    private func keep(_ operation: BlockOperation, _ request: WriteBlockRequest) {
        let bytes = operation.payload.reduce(into: [UInt8]()) { $0 += $1 }
        if bytes.count != Int(request.size) || CRC32C(of: bytes) != request.crc {
            cluster.world.find("\(endpoint) writes block \(request.blockId) with a wrong checksum")
        }
        cluster.blockBytes[request.blockId] = bytes
    }

    /// Puts the bytes that were asked for where they are wanted.
    private func fill(_ answer: BlockOperation.Answer, _ request: AnyBlocksRequest) -> Bool {
        switch (answer, request) {
        case (.pages(let destination, let count, let sums), .fetchBlockWithCrc(let fetch)):
            guard let bytes = cluster.blockBytes[fetch.blockId], Int(fetch.offset) + count <= bytes.count
            else { return false }
            let wanted = Array(bytes[Int(fetch.offset)..<Int(fetch.offset) + count])
            UnsafeMutableRawBufferPointer(start: destination, count: count).copyBytes(from: wanted)
            for (index, sum) in Self.pageSums(of: wanted).enumerated() { sums?[index] = sum }
            return true
        case (.bytes(let destination, let count), .fetchPageSums(let fetch)):
            guard let bytes = cluster.blockBytes[fetch.blockId] else { return false }
            let sums = Self.pageSums(of: bytes)
            guard sums.count * 4 == count else { return false }
            for (index, sum) in sums.enumerated() {
                (destination + 4 * index).storeBytes(of: sum.littleEndian, as: UInt32.self)
            }
            return true
        case (.proof, _), (.none, _): return true
        default: return false
        }
    }

    private static func pageSums(of bytes: [UInt8]) -> [UInt32] {
        stride(from: 0, to: bytes.count, by: ClientLimits.pageBytes).map { start in
            CRC32C(of: Array(bytes[start..<min(start + ClientLimits.pageBytes, bytes.count)])).rawValue
        }
    }
}
