import Protocol
import ShardCore
import Testing

/// The bytes of what is sent and logged about shared spans, so that no later version of this code reads them in another
/// way. What is stored stands in `SharedSpanRecordTests`.
@Suite("Vectors of shared spans") struct SharedSpanVectorTests: VectorTests {
    private let file = InodeID(type: .file, shard: ShardID(rawValue: 3), index: 0x0102)
    private let source = InodeID(type: .file, shard: ShardID(rawValue: 3), index: 1)

    private var request: ReferSpansRequest {
        ReferSpansRequest(
            fileId: file, cookie: Cookie(rawValue: 0x0807_0605_0403_0201), byteOffset: 0x1000, sourceId: source,
            sourceOffset: 0x2000, length: 0x3000, keptCrc: CRC32C(rawValue: 0x0a0b_0c0d),
            restCrc: CRC32C(rawValue: 0x1a1b_1c1d))
    }

    private static let request = "0302010000000040" + "0102030405060708" + "0010000000000000" + "0301000000000040"
        + "0020000000000000" + "0030000000000000" + "0d0c0b0a" + "1d1c1b1a"

    @Test func messages() throws {
        #expect(ShardKind.referSpans.rawValue == 0x43 && ShardKind.fileReferences.rawValue == 0x46)
        try expect(request, Self.request)
        try expect(ReferSpansResponse(size: 0x4000), "0040000000000000")
        try expect(
            FileReferencesRequest(fileId: file, byteOffset: 0x1000, mtu: 8972),
            "0302010000000040" + "0010000000000000" + "0c23")
        try expect(
            FileReferencesResponse(
                isBody: false, nextOffset: 0x5000,
                references: [FileReference(byteOffset: 0x1000, length: 0x3000, bodyId: source, bodyOffset: 0x2000)]),
            "00" + "0050000000000000" + "0100" + "0010000000000000" + "0030000000000000" + "0301000000000040"
                + "0020000000000000")
        try expect(
            FileReferencesResponse(isBody: true, nextOffset: 0, references: []), "01" + "0000000000000000" + "0000")
    }

    @Test func logEntries() throws {
        let repetition = "02" + "0b00000000000000" + "0c00000000000000"
        let entry = ShardLogEntry(
            time: Timestamp(nanoseconds: 8), clock: Timestamp(nanoseconds: 7), transientLifetimeNanoseconds: 9,
            minimumHistoryAgeNanoseconds: 10, repetition: try read(repetition), keepsAttributes: true,
            action: .request(request.erased))
        try expect(
            entry,
            "04" + "02" + "0800000000000000" + "0900000000000000" + "0700000000000000" + "0a00000000000000" + "01"
                + repetition + "43" + Self.request)
    }
}
