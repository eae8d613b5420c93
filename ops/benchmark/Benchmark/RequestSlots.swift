import Protocol
import Wire

/// Writes a message's kind and body; 0 when it does not fit, which sends nothing.
private func encode(_ kind: UInt8, _ message: some WireValue, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    buffer[0] = kind
    var writer = WireWriter(UnsafeMutableRawBufferPointer(rebasing: buffer[1...]))
    do { try message.encode(into: &writer) } catch { return 0 }
    return 1 + message.encodedSize
}

/// The body of an answer of the wanted kind, decoded; nil for an error.
private func decode<Message: WireValue>(_ kind: UInt8, _ answer: UnsafeRawBufferPointer) -> Message? {
    guard answer.first == kind else { return nil }
    return try? Message(decoding: UnsafeRawBufferPointer(rebasing: answer[1...]))
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
    private var count = 0
    private var constructed: ConstructFileResponse?

    init(in directory: InodeID, prefix: String) {
        self.directory = directory
        self.prefix = prefix
    }

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
        constructed = nil
        count += 1
        return body.first == LinkFileRequest.kind.rawValue
    }
}

/// Makes directories under new names.
final class MakeDirectorySlot: DatagramLoad.Slot {
    private let parent: InodeID
    private let prefix: String
    private var count = 0

    init(in parent: InodeID, prefix: String) {
        self.parent = parent
        self.prefix = prefix
    }

    func fill(_ body: UnsafeMutableRawBufferPointer) -> Int {
        let request = MakeDirectoryRequest(ownerId: parent, name: Array("\(prefix)-\(count)".utf8))
        return encode(MakeDirectoryRequest.kind.rawValue, request, into: body)
    }

    func answered(_ body: UnsafeRawBufferPointer) -> Bool {
        count += 1
        return body.first == MakeDirectoryRequest.kind.rawValue
    }
}
