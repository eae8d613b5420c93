import Protocol

/// A change of the parent map that a transaction ends with.
package enum ParentChange: Equatable, Sendable {
    /// The directory lives under this owner from now on.
    case set(InodeID, owner: InodeID)
    /// The directory has no owner any more.
    case remove(InodeID)
}

/// The answer to a finished request, kept for a while for those who ask again (spec D.7).
package struct RememberedReply: Equatable, Sendable {
    package var origin: RequestOrigin
    package var result: Result<AnyCdcResponse, ProtocolError>

    package init(origin: RequestOrigin, result: Result<AnyCdcResponse, ProtocolError>) {
        self.origin = origin
        self.result = result
    }
}

/// One fact in the coordinator's log. README.md tells which facts must be durable before what.
package enum LogRecord: Equatable, Sendable, WireValue {
    /// From here on the transaction will be carried out or rolled back, whatever crashes. `directory` is the reserved
    /// id that it makes a directory of, or null; the record of that id's fate then ends the transaction too.
    case begin(TransactionID, origin: RequestOrigin, request: AnyCdcRequest, directory: InodeID)
    /// The transaction, begun or not, has left nothing behind but its result.
    case finish(TransactionID, [ParentChange], RememberedReply?)
    /// The ids up to and including this one belong to whoever leads now; what became of each is to be found out after
    /// a crash.
    case reserveDirectories(through: InodeID)
    /// A reserved id became a directory under this owner.
    case directoryMade(InodeID, owner: InodeID, RememberedReply?)
    /// Reserved ids that are not, and never will be, directories with an owner.
    case directoriesDropped([InodeID])
    /// The numbers for requests to shards up to and including this one belong to whoever leads now.
    case reserveSequences(through: UInt64)
}

extension LogRecord {
    private enum Tag: UInt8 {
        case begin = 1
        case finish, reserveDirectories, directoryMade, directoriesDropped, beginWithDirectory, reserveSequences
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        switch self {
        case .begin(let transaction, let origin, let request, let directory):
            try writer.write(directory.isNull ? Tag.begin.rawValue : Tag.beginWithDirectory.rawValue)
            try writer.write(transaction)
            try writer.write(origin)
            if !directory.isNull { try writer.write(directory) }
            try writer.write(request.kind.rawValue)
            try request.encode(into: &writer)
        case .finish(let transaction, let changes, let reply):
            try writer.write(Tag.finish.rawValue)
            try writer.write(transaction)
            try writer.write(changes)
            try writer.write(reply)
        case .reserveDirectories(let last):
            try writer.write(Tag.reserveDirectories.rawValue)
            try writer.write(last)
        case .directoryMade(let directory, let owner, let reply):
            try writer.write(Tag.directoryMade.rawValue)
            try writer.write(directory)
            try writer.write(owner)
            try writer.write(reply)
        case .directoriesDropped(let directories):
            try writer.write(Tag.directoriesDropped.rawValue)
            try writer.list(directories)
        case .reserveSequences(let last):
            try writer.write(Tag.reserveSequences.rawValue)
            try writer.write(last)
        }
    }

    package init(from reader: inout WireReader) throws(DecodeError) {
        guard let tag = Tag(rawValue: try reader.read(UInt8.self)) else { throw .invalidValue }
        switch tag {
        case .begin, .beginWithDirectory:
            let transaction = try reader.read(TransactionID.self)
            let origin = try reader.readOrigin()
            let directory = tag == .begin ? InodeID.null : try reader.read()
            self = .begin(transaction, origin: origin, request: try reader.readRequest(), directory: directory)
        case .finish:
            let transaction = try reader.read(TransactionID.self)
            let changes = try reader.readParentChanges()
            self = .finish(transaction, changes, try reader.readReply())
        case .reserveDirectories:
            self = .reserveDirectories(through: try reader.read(InodeID.self))
        case .directoryMade:
            let directory = try reader.read(InodeID.self)
            let owner = try reader.read(InodeID.self)
            self = .directoryMade(directory, owner: owner, try reader.readReply())
        case .directoriesDropped:
            self = .directoriesDropped(try reader.list(of: InodeID.self))
        case .reserveSequences:
            self = .reserveSequences(through: try reader.read(UInt64.self))
        }
    }

    package static let minimumWireSize = 3

    /// An upper bound of the bytes that `encode` writes.
    package var encodedSize: Int {
        switch self {
        case .begin(_, _, let request, _): 40 + request.encodedSize
        case .finish(_, let changes, _): 64 + 17 * changes.count
        case .directoriesDropped(let directories): 8 + 8 * directories.count
        default: 80
        }
    }
}
