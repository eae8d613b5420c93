import TestSupport
import Testing
import Wire

/// The reader and writer at their limits.
@Suite(.timeLimit(.minutes(1)))
struct ReaderTests {
    @Test func integersAreLittleEndian() throws {
        #expect(try UInt32(0x0102_0304).encoded() == [4, 3, 2, 1])
        #expect(try UInt64(decoding: [1, 0, 0, 0, 0, 0, 0, 0x80]) == 0x8000_0000_0000_0001)
        #expect(try Bool(decoding: [7]) == true)
        #expect(try true.encoded() == [1])
    }

    @Test func lengthsAreExact() {
        #expect(throws: DecodeError.truncated) { try UInt32(decoding: [1, 2, 3]) }
        #expect(throws: DecodeError.surplus) { try UInt32(decoding: [1, 2, 3, 4, 5]) }
        #expect(throws: DecodeError.truncated) { try UInt8(decoding: []) }
        #expect(throws: DecodeError.truncated) { try UInt8(decoding: UnsafeRawBufferPointer(start: nil, count: 0)) }
    }

    @Test func longListsReserveNothing() {
        // 65535 elements are announced and none is there.
        let bytes: [UInt8] = [0xff, 0xff]
        bytes.withUnsafeBytes { raw in
            #expect(throws: DecodeError.truncated) {
                var reader = WireReader(raw)
                _ = try reader.list(of: UInt64.self)
            }
            #expect(throws: DecodeError.truncated) {
                var reader = WireReader(raw)
                _ = try reader.list(of: Name.self)
            }
            #expect(throws: DecodeError.truncated) {
                var reader = WireReader(raw)
                _ = try reader.fixedList(of: UInt64.self)
            }
        }
    }

    @Test func listsComeBack() throws {
        let names = ["", "a", String(repeating: "b", count: 255)].map { Name(bytes: Array($0.utf8)) }
        let bytes = try encodedBytes(capacity: 1000) { (writer) throws(EncodeError) in
            try writer.list(names)
            try writer.list([UInt16(1), 2, 3])
            try writer.blob([9, 9])
        }
        #expect(bytes.count == 2 + 3 + 256 + 2 + 6 + 4)
        try bytes.withUnsafeBytes { raw in
            var reader = WireReader(raw)
            #expect(try reader.list(of: Name.self) == names)
            #expect(try Array(reader.fixedList(of: UInt16.self)) == [1, 2, 3])
            #expect(try reader.blob() == [9, 9])
            try reader.finish()
        }
    }

    @Test func longByteStringsComeBack() throws {
        let long = [UInt8](repeating: 7, count: 70_000)
        let bytes = try encodedBytes(capacity: 80_000) { (writer) throws(EncodeError) in
            try writer.bulk(long)
            try writer.bulk([])
        }
        #expect(bytes.count == 4 + long.count + 4)
        try bytes.withUnsafeBytes { raw in
            var reader = WireReader(raw)
            #expect(areEqual(try reader.bulk(), long))
            #expect(try reader.bulkView().isEmpty)
            try reader.finish()
        }
    }

    @Test func longByteStringsReserveNothing() {
        let bytes: [UInt8] = [0xff, 0xff, 0xff, 0xff, 1]
        bytes.withUnsafeBytes { raw in
            _ = #expect(throws: DecodeError.truncated) {
                var reader = WireReader(raw)
                _ = try reader.bulk()
            }
        }
    }

    @Test func lengthPrefixesAreNotCut() {
        #expect(throws: EncodeError.lengthTooLarge) { try Name(bytes: .init(repeating: 1, count: 256)).encoded() }
        #expect(throws: EncodeError.lengthTooLarge) {
            _ = try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
                try writer.list([UInt8](repeating: 0, count: 65536))
            }
        }
        #expect(throws: EncodeError.lengthTooLarge) {
            _ = try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
                try writer.blob([UInt8](repeating: 0, count: 65536))
            }
        }
    }

    @Test func writerStaysInside() {
        #expect(throws: EncodeError.bufferTooSmall) {
            _ = try encodedBytes(capacity: 7) { (writer) throws(EncodeError) in try writer.write(UInt64(1)) }
        }
        #expect(throws: EncodeError.bufferTooSmall) {
            var writer = WireWriter(UnsafeMutableRawBufferPointer(start: nil, count: 0))
            try writer.write(UInt8(1))
        }
    }

    @Test func truncatingTakesBack() throws {
        let bytes = try encodedBytes(capacity: 4) { (writer) throws(EncodeError) in
            try writer.write(UInt16(0x0201))
            try writer.write(UInt16(0))
            writer.truncate(to: 2)
        }
        #expect(bytes == [1, 2])
    }
}

/// A value of varying size.
private struct Name: WireValue, Equatable {
    var bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }
    static var minimumWireSize: Int { 1 }
    var encodedSize: Int { 1 + bytes.count }
    init(from reader: inout WireReader) throws(DecodeError) { bytes = try reader.bytes() }
    func encode(into writer: inout WireWriter) throws(EncodeError) { try writer.bytes(bytes) }
}
