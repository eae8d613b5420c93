import Erasure
import Foundation
import Protocol
import TestSupport
import Wire

/// Speaks the blocks protocol byte by byte, right or wrong as a test wants it.
struct BlockClient {
    let socket: TestSocket
    let service: RegisterBlockServiceInfo

    init(_ socket: TestSocket, _ service: RegisterBlockServiceInfo) {
        self.socket = socket
        self.service = service
    }

    var mac: MACKey { MACKey(service.secretKey) }

    /// A number for a block made `age` seconds ago.
    static func block(_ number: UInt64 = 0, age: Double = 0) -> BlockID {
        let now = UInt64((Date().timeIntervalSince1970 - age) * 1e9)
        return BlockID(rawValue: (now & ~0xffff_ffff) &+ number << 8 | 7)
    }

    func bytes(_ request: some BlocksRPC, to id: BlockServiceID? = nil) throws -> [UInt8] {
        try Self.header(id ?? service.id, type(of: request).kind.rawValue) + request.encoded()
    }

    static func header(_ id: BlockServiceID, _ kind: UInt8) throws -> [UInt8] {
        try encodedBytes(capacity: BlocksRequestHeader.size) { (writer) throws(EncodeError) in
            try BlocksRequestHeader(blockService: id.rawValue, kind: kind).encode(into: &writer)
        }
    }

    func writeRequest(_ block: BlockID, _ data: [UInt8]) -> WriteBlockRequest {
        let (crc, size) = (CRC32C(of: data), UInt32(data.count))
        let certificate = mac.writeCertificate(blockService: service.id, block: block, crc: crc, size: size)
        return WriteBlockRequest(blockId: block, crc: crc, size: size, certificate: certificate)
    }

    func eraseRequest(_ block: BlockID) -> EraseBlockRequest {
        EraseBlockRequest(blockId: block, certificate: mac.eraseCertificate(blockService: service.id, block: block))
    }

    /// The error of the next answer, which must be one.
    func error() throws -> ProtocolError {
        let header = try socket.receive(5)
        guard Array(header[..<4]) == [0x42, 0x4c, 0x4f, 1], header[4] == 0 else {
            throw TestFailure("not an error: \(header)")
        }
        return try ProtocolError(decoding: try socket.receive(2))
    }

    /// The next answer, which must be a success of the request's kind.
    func response<Request: BlocksRPC>(to request: Request) throws -> Request.Response {
        let header = try socket.receive(5)
        guard Array(header[..<4]) == [0x42, 0x4c, 0x4f, 1], header[4] == Request.kind.rawValue else {
            let code = header[4] == 0 ? try ProtocolError(decoding: try socket.receive(2)) : nil
            let error = code.map(String.init(describing:)) ?? ""
            throw TestFailure("expected \(Request.kind), got \(header) \(error)")
        }
        return try Request.Response(decoding: try socket.receive(Request.Response.minimumWireSize))
    }

    func write(_ block: BlockID, _ data: [UInt8]) throws -> MAC {
        let request = writeRequest(block, data)
        try socket.send(try bytes(request) + data)
        return try response(to: request).proof
    }

    func fetch(_ block: BlockID, _ offset: UInt32, _ count: UInt32) throws -> [UInt8] {
        let request = FetchBlockRequest(blockId: block, offset: offset, count: count)
        try socket.send(try bytes(request))
        _ = try response(to: request)
        return try socket.receive(Int(count))
    }

    /// The checksums of all pages, as they come over the wire.
    func fetchPageSums(_ block: BlockID, _ size: UInt32) throws -> [UInt8] {
        let request = FetchPageSumsRequest(blockId: block, size: size)
        try socket.send(try bytes(request))
        _ = try response(to: request)
        return try socket.receive(Int(size) / 4096 * 4)
    }

    func fetchPages(_ block: BlockID, _ offset: UInt32, _ count: UInt32) throws -> [UInt8] {
        let request = FetchBlockWithCrcRequest(
            fileId: InodeID(rawValue: 0), blockId: block, blockCrc: .zero, offset: offset, count: count)
        try socket.send(try bytes(request))
        _ = try response(to: request)
        return try socket.receive(Int(count) / 4096 * 4100)
    }

    func check(_ block: BlockID, _ data: [UInt8]) throws {
        let request = CheckBlockRequest(blockId: block, size: UInt32(data.count), crc: CRC32C(of: data))
        try socket.send(try bytes(request))
        _ = try response(to: request)
    }

    /// Sends a request and expects an error.
    func error(of request: some BlocksRPC, data: [UInt8] = [], to id: BlockServiceID? = nil) throws -> ProtocolError {
        try socket.send(try bytes(request, to: id) + data)
        return try error()
    }
}

func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes += $0 } }
    return Array(bytes.prefix(count))
}

/// Pages with their checksums, as they should travel.
func pages(of data: [UInt8]) -> [UInt8] {
    stride(from: 0, to: data.count, by: 4096).flatMap { start -> [UInt8] in
        let page = Array(data[start..<start + 4096])
        let crc = CRC32C(of: page).rawValue
        return page + (0..<4).map { UInt8(truncatingIfNeeded: crc >> (8 * $0)) }
    }
}

/// The checksums of the pages of `data` as they travel.
func sums(of data: [UInt8]) -> [UInt8] {
    stride(from: 0, to: data.count, by: 4096).flatMap { start -> [UInt8] in
        let crc = CRC32C(of: Array(data[start..<start + 4096])).rawValue
        return (0..<4).map { UInt8(truncatingIfNeeded: crc >> (8 * $0)) }
    }
}
