import CoordinatorCore
import Protocol
import Testing

/// The format of the coordinator's log.
@Suite struct LogEntryTests {
    static let directory = InodeID(type: .directory, shard: ShardID(rawValue: 3), index: 7)
    static let file = InodeID(type: .file, shard: ShardID(rawValue: 4), index: 8)
    static let origin = RequestOrigin(source: 1, requestID: 2)

    static let records: [LogRecord] = [
        .begin(
            TransactionID(rawValue: 9), origin: origin,
            request: .renameFile(
                RenameFileRequest(
                    targetId: file, oldOwnerId: .root, oldName: [1, 2], oldCreationTime: Timestamp(nanoseconds: 5),
                    newOwnerId: directory, newName: [UInt8](repeating: 7, count: 255))), directory: .null),
        .begin(
            TransactionID(rawValue: 9), origin: origin,
            request: .makeDirectoryExclusive(MakeDirectoryExclusiveRequest(ownerId: .root, name: [1, 2])),
            directory: directory),
        .finish(TransactionID(rawValue: 9), [], nil),
        .finish(
            TransactionID(rawValue: 9), [.set(directory, owner: .root), .remove(.root), .set(.root, owner: directory)],
            RememberedReply(
                origin: origin,
                result: .success(.makeDirectory(MakeDirectoryResponse(id: directory, creationTime: .zero))))),
        .finish(
            TransactionID(rawValue: 9), [.set(directory, owner: .root)],
            RememberedReply(origin: origin, result: .failure(.edgeNotFound))),
        .finish(TransactionID(rawValue: 9), [.remove(directory)], nil),
        .reserveDirectories(through: directory),
        .directoryMade(
            directory, owner: .root,
            RememberedReply(
                origin: origin,
                result: .success(
                    .makeDirectory(MakeDirectoryResponse(id: directory, creationTime: Timestamp(nanoseconds: 3)))))),
        .directoriesDropped([directory, .root]),
        .reserveSequences(through: .max),
    ]

    @Test func survivesItsEncoding() throws {
        let entry = LogEntry(time: Timestamp(nanoseconds: 77), records: Self.records)
        #expect(try LogEntry(decoding: entry.encoded()) == entry)
    }

    @Test(arguments: records.indices) func recordFitsItsBound(_ index: Int) throws {
        #expect(try Self.records[index].encoded().count <= Self.records[index].encodedSize)
    }

    @Test func refusesEveryPrefixAndSurplus() throws {
        let bytes = try LogEntry(time: .zero, records: Self.records).encoded()
        for count in 0..<bytes.count {
            #expect(throws: DecodeError.self) { try LogEntry(decoding: [UInt8](bytes.prefix(count))) }
        }
        #expect(throws: DecodeError.self) { try LogEntry(decoding: bytes + [0]) }
    }

    @Test func refusesUnknownVersionsAndRecords() throws {
        var bytes = try LogEntry(time: .zero, records: [.finish(TransactionID(rawValue: 1), [], nil)]).encoded()
        bytes[11] = 99
        #expect(throws: DecodeError.self) { try LogEntry(decoding: bytes) }
        bytes[11] = 2
        bytes[0] = 2
        #expect(throws: DecodeError.self) { try LogEntry(decoding: bytes) }
    }
}
