import Protocol
import ShardCore
import Testing

/// The bytes of what is stored, logged and sent about versions of files, so that no later version of this code reads
/// them in another way.
@Suite("Vectors of publishing") struct PublishingVectorTests: VectorTests {
    private let file = InodeID(type: .file, shard: ShardID(rawValue: 3), index: 0x0102)
    private let number = InodeID(type: .file, shard: ShardID(rawValue: 3), index: 1)

    private func version(numbered: Bool) -> FileRecord {
        FileRecord(
            size: 5, mtime: Timestamp(nanoseconds: 6), atime: Timestamp(nanoseconds: 7),
            number: numbered ? number : .null)
    }

    private func transient(_ fate: TransientFate) -> TransientFileRecord {
        TransientFileRecord(
            size: 5, mtime: Timestamp(nanoseconds: 1), deadline: Timestamp(nanoseconds: 2), fate: fate,
            lastSpanState: .clean, note: [9])
    }

    private static let own = "01" + "0500000000000000" + "0600000000000000" + "0700000000000000"
    private static let numbered = "02" + "0500000000000000" + "0600000000000000" + "0700000000000000"
        + "0301000000000040"

    @Test func linkedFiles() throws {
        try expect(version(numbered: false), Self.own)
        try expect(version(numbered: true), Self.numbered)
        // A number that says nothing is not written.
        #expect(throws: DecodeError.self) {
            try read(Self.numbered.dropLast(16) + "0000000000000000", as: FileRecord.self)
        }
    }

    @Test func transientFiles() throws {
        let head = "0500000000000000" + "0100000000000000" + "0200000000000000" + "00"
        try expect(transient(.open), "02" + head + "00" + "0109")
        try expect(transient(.doomed), "02" + head + "01" + "0109")
        try expect(transient(.superseded(version(numbered: false))), "03" + head + "03" + Self.own + "0109")
        try expect(transient(.superseded(version(numbered: true))), "03" + head + "03" + Self.numbered + "0109")
        // Of the version before fates, and a fate that its version did not have.
        #expect(try read("01" + head + "0109") == transient(.openByEntryTime))
        #expect(throws: DecodeError.self) {
            try read("02" + head + "03" + Self.own + "0109", as: TransientFileRecord.self)
        }
    }

    @Test func numbers() throws {
        try expect(NumberRecord(newest: file), "01" + "0302010000000040")
    }

    private var request: PublishFileRequest {
        PublishFileRequest(
            fileId: file, cookie: Cookie(rawValue: 0x0807_0605_0403_0201), storageClass: .inline, byteOffset: 4096,
            size: 2, crc: CRC32C(rawValue: 0x0a0b_0c0d), body: [0xaa, 0xbb], ownerId: .root, name: "ab".bytes,
            isConditional: true, expectedId: number, number: number, supersedes: true)
    }

    private static let request = "0302010000000040" + "0102030405060708" + "01" + "0010000000000000" + "02000000"
        + "0d0c0b0a" + "02aabb" + "0000000000000020" + "026162" + "01" + "0301000000000040" + "0301000000000040" + "01"

    @Test func messages() throws {
        #expect(ShardKind.publishFile.rawValue == 0x44 && ShardKind.statVersion.rawValue == 0x45)
        try expect(request, Self.request)
        try expect(
            PublishFileResponse(creationTime: Timestamp(nanoseconds: 8), number: number),
            "0800000000000000" + "0301000000000040")
        try expect(StatVersionRequest(id: number, newest: true), "0301000000000040" + "01")
        try expect(
            StatVersionResponse(
                id: file, number: number, mtime: Timestamp(nanoseconds: 6), atime: Timestamp(nanoseconds: 7), size: 5),
            "0302010000000040" + "0301000000000040" + "0600000000000000" + "0700000000000000" + "0500000000000000")
    }

    @Test func logEntries() throws {
        let entry = ShardLogEntry(
            time: Timestamp(nanoseconds: 8), clock: Timestamp(nanoseconds: 7), transientLifetimeNanoseconds: 9,
            minimumHistoryAgeNanoseconds: 10, action: .publish(request, graceNanoseconds: 11))
        try expect(
            entry,
            "03" + "08" + "0800000000000000" + "0900000000000000" + "0700000000000000" + "0a00000000000000" + "00"
                + Self.request + "0b00000000000000")
        let bringing = SameDirectoryRenameSnapshotRequest(
            targetId: file, dirId: .root, oldName: "ab".bytes, oldCreationTime: Timestamp(nanoseconds: 12),
            newName: "c".bytes)
        try expect(
            ShardLogEntry(
                time: Timestamp(nanoseconds: 8), clock: Timestamp(nanoseconds: 7), transientLifetimeNanoseconds: 9,
                minimumHistoryAgeNanoseconds: 10, action: .bringBack(bringing)),
            "03" + "0a" + "0800000000000000" + "0900000000000000" + "0700000000000000" + "0a00000000000000" + "00"
                + "0302010000000040" + "0000000000000020" + "026162" + "0c00000000000000" + "0163")
    }

    @Test func renames() throws {
        #expect(ShardKind.renameWithAttributes.rawValue == 0x4D)
        let rename = SameDirectoryRenameRequest(
            targetId: file, dirId: .root, oldName: "ab".bytes, oldCreationTime: Timestamp(nanoseconds: 12),
            newName: "c".bytes)
        let bytes = "0302010000000040" + "0000000000000020" + "026162" + "0c00000000000000" + "0163"
        try expect(RenameWithAttributesRequest(rename: rename), bytes)
        try expect(RenameWithAttributesResponse(newCreationTime: Timestamp(nanoseconds: 8)), "0800000000000000")
        let header = "0800000000000000" + "0900000000000000" + "0700000000000000" + "0a00000000000000" + "00"
        for (action, begin) in [
            (ShardLogEntry.Action.rename(rename), "030c"), (.request(rename.erased), "0302"),
            (.request(RenameWithAttributesRequest(rename: rename).erased), "0302"),
        ] {
            let kind = if case .request(let request) = action { [request.kind.rawValue] } else { [UInt8]() }
            try expect(
                ShardLogEntry(
                    time: Timestamp(nanoseconds: 8), clock: Timestamp(nanoseconds: 7), transientLifetimeNanoseconds: 9,
                    minimumHistoryAgeNanoseconds: 10, action: action),
                begin + header + kind.map { $0 == 0x4D ? "4d" : "0c" }.joined() + bytes)
        }
    }
}
