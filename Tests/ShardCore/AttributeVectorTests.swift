import Protocol
import ShardCore
import Testing

/// The bytes of what is stored, logged and sent about attributes, so that no later version of this code reads them in
/// another way.
@Suite("Vectors of attributes") struct AttributeVectorTests: VectorTests {
    private let file = InodeID(type: .file, shard: ShardID(rawValue: 3), index: 0x0102)
    private let ownership = InodeOwnership(mode: 0o755, uid: 0x0102_0304, gid: 0x0506_0708)

    private func version(_ attributes: AttributesRecord, numbered: Bool = false) -> FileRecord {
        var record = FileRecord(
            size: 5, mtime: Timestamp(nanoseconds: 6), atime: Timestamp(nanoseconds: 7),
            number: numbered ? file : .null)
        record.attributes = attributes
        return record
    }

    private static let times = "0500000000000000" + "0600000000000000" + "0700000000000000"
    private static let owned = "ed01" + "04030201" + "08070605"

    @Test func linkedFiles() throws {
        var attributes = AttributesRecord()
        attributes.ownership = .listed(9)
        try expect(version(attributes), "03" + Self.times + "01" + "09000000")
        try expect(version(attributes, numbered: true), "04" + Self.times + "0302010000000040" + "01" + "09000000")
        attributes.ownership = .here(ownership)
        attributes.changed = Timestamp(nanoseconds: 10)
        attributes.special = .init(kind: .blockDevice, device: 0x0801)
        attributes.extended = .init(bytes: 11, version: Timestamp(nanoseconds: 12))
        try expect(
            version(attributes),
            "03" + Self.times + "2e" + Self.owned + "0a00000000000000" + "06" + "0108000000000000" + "0b00"
                + "0c00000000000000")
        // Attributes that say nothing are not written, nor is what nobody knows read.
        attributes = AttributesRecord()
        attributes.holes = 3
        try expect(version(attributes), "03" + Self.times + "40" + "0300000000000000")
        for flags in ["00", "03", "80"] {
            #expect(throws: DecodeError.self) {
                try read("03" + Self.times + flags + "09000000" + Self.owned, as: FileRecord.self)
            }
        }
        try expect(version(AttributesRecord()), "01" + Self.times)
    }

    @Test func transientFilesWithHoles() throws {
        var record = TransientFileRecord(
            size: 5, mtime: Timestamp(nanoseconds: 1), deadline: Timestamp(nanoseconds: 2), lastSpanState: .clean,
            note: [9])
        let fields = "0500000000000000" + "0100000000000000" + "0200000000000000" + "00" + "00" + "0109"
        try expect(record, "02" + fields)
        record.holes = 4
        try expect(record, "04" + fields + "0400000000000000")
        #expect(throws: DecodeError.self) {
            try read("04" + fields + "0000000000000000", as: TransientFileRecord.self)
        }
    }

    @Test func directories() throws {
        var record = DirectoryRecord(
            owner: .root, mtime: Timestamp(nanoseconds: 5), currentEdges: 1, snapshotEdges: 2, info: [])
        let fields = "0000000000000020" + "0500000000000000" + "01" + "0100000000000000" + "0200000000000000" + "0000"
        try expect(record, "01" + fields)
        record.attributes.times = .init(
            version: Timestamp(nanoseconds: 5), modified: Timestamp(nanoseconds: 6),
            accessed: Timestamp(nanoseconds: 7))
        try expect(record, "02" + fields + "10" + Self.times)
    }

    @Test func shared() throws {
        try expect(OwnershipRecord(ownership), "01" + Self.owned)
        try expect(OwnershipNumberRecord(0x0a0b_0c0d), "01" + "0d0c0b0a")
        try expect(
            ExtendedRecord([ExtendedAttribute(name: "ab".bytes, value: [1])]), "01" + "0100" + "026162" + "010001")
    }

    private var change: InodeAttributeChange {
        InodeAttributeChange(
            ownership: ownership, mtime: 1 << 63 | 2, atime: 0,
            extended: [ExtendedAttributeChange(operation: .replace, name: "ab".bytes, value: [1])])
    }

    private static let change = owned + "0200000000000080" + "0000000000000000" + "0100" + "02" + "026162" + "010001"

    private var publication: PublishFileRequest {
        PublishFileRequest(
            fileId: file, cookie: Cookie(rawValue: 0x0807_0605_0403_0201), storageClass: .empty, byteOffset: 0,
            size: 0, crc: .zero, body: [], ownerId: .root, name: "ab".bytes, isConditional: true, expectedId: .null,
            number: .null, supersedes: false)
    }

    private var request: PublishFileWithAttributesRequest {
        PublishFileWithAttributesRequest(
            publication: publication, inherits: true, keepsPrivileges: false, otherwise: .default, kind: .socket,
            device: 0, change: change)
    }

    private static let request = "0302010000000040" + "0102030405060708" + "00" + "0000000000000000" + "00000000"
        + "00000000" + "00" + "0000000000000020" + "026162" + "01" + "0000000000000000" + "0000000000000000" + "00"
        + "01" + "00" + "ffff" + "ffffffff" + "ffffffff" + "0c" + "0000000000000000" + change

    @Test func messagesOfShards() throws {
        #expect(ShardKind.publishFileWithAttributes.rawValue == 0x47 && ShardKind.statAttributes.rawValue == 0x48)
        #expect(ShardKind.extendedAttributes.rawValue == 0x49 && ShardKind.setAttributes.rawValue == 0x4A)
        #expect(ShardKind.createDirectoryInodeWithAttributes.rawValue == 0xC3)
        try expect(request, Self.request)
        try expect(
            PublishFileWithAttributesResponse(
                creationTime: Timestamp(nanoseconds: 8), number: file, ownership: ownership),
            "0800000000000000" + "0302010000000040" + Self.owned)
        try expect(StatAttributesRequest(id: file, newest: true), "0302010000000040" + "01")
        try expect(
            StatAttributesResponse(
                id: file, number: file, mtime: Timestamp(nanoseconds: 1), userMtime: Timestamp(nanoseconds: 2),
                atime: Timestamp(nanoseconds: 3), ctime: Timestamp(nanoseconds: 4), size: 5, holes: 6,
                ownership: ownership, kind: .characterDevice, device: 7, extendedBytes: 8,
                extendedVersion: Timestamp(nanoseconds: 9)),
            "0302010000000040" + "0302010000000040" + "0100000000000000" + "0200000000000000" + "0300000000000000"
                + "0400000000000000" + "0500000000000000" + "0600000000000000" + Self.owned + "02"
                + "0700000000000000" + "08000000" + "0900000000000000")
        try expect(ExtendedAttributesRequest(id: file, offset: 1, mtu: 2), "0302010000000040" + "01000000" + "0200")
        try expect(
            ExtendedAttributesResponse(total: 1, version: Timestamp(nanoseconds: 2), part: [3]),
            "01000000" + "0200000000000000" + "010003")
        try expect(SetAttributesRequest(id: file, change: change), "0302010000000040" + Self.change)
        try expect(
            SetAttributesResponse(id: file, ctime: Timestamp(nanoseconds: 1), ownership: .default),
            "0302010000000040" + "0100000000000000" + "ffff" + "ffffffff" + "ffffffff")
        try expect(
            CreateDirectoryInodeWithAttributesRequest(
                creation: CreateDirectoryInodeRequest(id: .root, ownerId: .root, info: DirectoryInfo(entries: [])),
                change: change),
            "0000000000000020" + "0000000000000020" + "0000" + Self.change)
    }

    @Test func messagesOfOthers() throws {
        #expect(CdcKind.makeDirectoryWithAttributes.rawValue == 0x42)
        try expect(
            MakeDirectoryWithAttributesRequest(ownerId: .root, name: "ab".bytes, isExclusive: true, change: change),
            "0000000000000020" + "026162" + "01" + Self.change)
        try expect(
            MakeDirectoryWithAttributesResponse(id: .root, creationTime: Timestamp(nanoseconds: 1)),
            "0000000000000020" + "0100000000000000")
        #expect(RegistryKind.defaultOwnership.rawValue == 0x4A && RegistryKind.setDefaultOwnership.rawValue == 0x4B)
        try expect(
            DefaultOwnershipResponse(isSet: true, uid: 1, gid: 2, fileMode: 3, directoryMode: 4),
            "01" + "01000000" + "02000000" + "0300" + "0400")
        try expect(
            SetDefaultOwnershipRequest(uid: 1, gid: 2, fileMode: 3, directoryMode: 4),
            "01000000" + "02000000" + "0300" + "0400")
        #expect(ProtocolExtension.attributes.rawValue == 17)
        #expect(
            [ProtocolError.attributeNotFound, .attributeExists, .attributesTooLarge].map(\.rawValue)
                == [1001, 1002, 1003])
    }

    @Test func logEntries() throws {
        let head = "0800000000000000" + "0900000000000000" + "0700000000000000" + "0a00000000000000" + "00"
        func entry(_ action: ShardLogEntry.Action) -> ShardLogEntry {
            ShardLogEntry(
                time: Timestamp(nanoseconds: 8), clock: Timestamp(nanoseconds: 7), transientLifetimeNanoseconds: 9,
                minimumHistoryAgeNanoseconds: 10, keepsAttributes: true, action: action)
        }
        try expect(
            entry(.publishWithAttributes(request, graceNanoseconds: 11)),
            "04" + "09" + head + Self.request + "0b00000000000000")
        try expect(
            entry(.request(.setAttributes(SetAttributesRequest(id: file, change: change)))),
            "04" + "02" + head + "4a" + "0302010000000040" + Self.change)
    }
}
