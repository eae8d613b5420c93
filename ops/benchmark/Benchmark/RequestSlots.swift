import Protocol
import Wire

/// Writes a message's kind and body; 0 when it does not fit, which sends nothing.
func encode(_ kind: UInt8, _ message: some WireValue, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    buffer[0] = kind
    var writer = WireWriter(UnsafeMutableRawBufferPointer(rebasing: buffer[1...]))
    do { try message.encode(into: &writer) } catch { return 0 }
    return 1 + message.encodedSize
}

/// The body of an answer of the wanted kind, decoded; nil for an error.
func decode<Message: WireValue>(_ kind: UInt8, _ answer: UnsafeRawBufferPointer) -> Message? {
    guard answer.first == kind else { return nil }
    return try? Message(decoding: UnsafeRawBufferPointer(rebasing: answer[1...]))
}

/// A file or directory that was made for measuring.
struct MadeName {
    var directory: InodeID
    var name: [UInt8]
    var id: InodeID
    var time: Timestamp
}

/// One request again and again: lookups, stats, or anything that an echo server sends back.
final class RepeatSlot<Request: ShardRPC>: DatagramLoad.Slot {
    private let request: Request
    private(set) var refused = 0

    init(_ request: Request) { self.request = request }

    func fill(_ body: UnsafeMutableRawBufferPointer) -> Int { encode(Request.kind.rawValue, request, into: body) }

    func answered(_ body: UnsafeRawBufferPointer) -> Bool {
        if body.first == 0 { refused += 1 }
        return body.first != 0
    }
}

/// Creates an empty file and links it, under a new name each time: two requests an operation.
final class CreateSlot: DatagramLoad.Slot {
    private let directory: InodeID
    private let prefix: String
    /// Files to create and to remember in `made`; nil: no end, and none is remembered.
    private let limit: Int?
    private var count = 0
    private var constructed: ConstructFileResponse?
    private(set) var made: [MadeName] = []

    init(in directory: InodeID, prefix: String, limit: Int? = nil) {
        self.directory = directory
        self.prefix = prefix
        self.limit = limit
    }

    var isDone: Bool { limit.map { made.count >= $0 } ?? false }

    private var name: [UInt8] { Array("\(prefix)-\(count)".utf8) }

    func fill(_ body: UnsafeMutableRawBufferPointer) -> Int {
        guard let file = constructed else {
            let request = ConstructFileRequest(type: .file, note: name)
            return encode(ConstructFileRequest.kind.rawValue, request, into: body)
        }
        let request = LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: directory, name: name)
        return encode(LinkFileRequest.kind.rawValue, request, into: body)
    }

    func answered(_ body: UnsafeRawBufferPointer) -> Bool {
        guard constructed != nil else {
            constructed = decode(ConstructFileRequest.kind.rawValue, body)
            return false
        }
        let linked: LinkFileResponse? = decode(LinkFileRequest.kind.rawValue, body)
        if limit != nil, let file = constructed, let linked {
            made.append(MadeName(directory: directory, name: name, id: file.id, time: linked.creationTime))
        }
        constructed = nil
        count += 1
        return body.first == LinkFileRequest.kind.rawValue
    }
}

/// Makes directories under new names.
final class MakeDirectorySlot: DatagramLoad.Slot {
    private let parent: InodeID
    private let prefix: String
    /// Directories to make and to remember in `made`; nil: no end, and none is remembered.
    private let limit: Int?
    private var count = 0
    private(set) var made: [MadeName] = []

    init(in parent: InodeID, prefix: String, limit: Int? = nil) {
        self.parent = parent
        self.prefix = prefix
        self.limit = limit
    }

    var isDone: Bool { limit.map { made.count >= $0 } ?? false }

    private var name: [UInt8] { Array("\(prefix)-\(count)".utf8) }

    func fill(_ body: UnsafeMutableRawBufferPointer) -> Int {
        let request = MakeDirectoryRequest(ownerId: parent, name: name)
        return encode(MakeDirectoryRequest.kind.rawValue, request, into: body)
    }

    func answered(_ body: UnsafeRawBufferPointer) -> Bool {
        if limit != nil, let directory: MakeDirectoryResponse = decode(MakeDirectoryRequest.kind.rawValue, body) {
            made.append(MadeName(directory: parent, name: name, id: directory.id, time: directory.creationTime))
        }
        count += 1
        return body.first == MakeDirectoryRequest.kind.rawValue
    }
}
