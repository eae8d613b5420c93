import Protocol

/// What goes through the log at once: format version u8, time u64, count u16, records. Internal to Sterna.
package struct LogEntry: Equatable, Sendable {
    /// The leader's wall clock when it proposed the entry; ages the remembered replies.
    package var time: Timestamp
    package var records: [LogRecord]

    private static let formatVersion: UInt8 = 1
    static let headerSize = 11

    package func encoded() throws(EncodeError) -> [UInt8] {
        guard let count = UInt16(exactly: records.count) else { throw .lengthTooLarge }
        let capacity = records.reduce(Self.headerSize) { $0 + $1.encodedSize }
        var failure: EncodeError?
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, written in
            var writer = WireWriter(UnsafeMutableRawBufferPointer(buffer))
            do throws(EncodeError) {
                try writer.write(Self.formatVersion)
                try writer.write(time)
                try writer.write(count)
                for record in records { try record.encode(into: &writer) }
                written = writer.count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    package init(time: Timestamp, records: [LogRecord]) {
        self.time = time
        self.records = records
    }

    package init(decoding bytes: [UInt8]) throws(DecodeError) {
        let outcome = bytes.withUnsafeBytes { (raw) -> Result<LogEntry, DecodeError> in
            do throws(DecodeError) {
                return .success(try LogEntry(from: raw))
            } catch {
                return .failure(error)
            }
        }
        self = try outcome.get()
    }

    private init(from bytes: UnsafeRawBufferPointer) throws(DecodeError) {
        var reader = WireReader(bytes)
        guard try reader.read(UInt8.self) == Self.formatVersion else { throw .invalidValue }
        time = try reader.read(Timestamp.self)
        let count = try reader.read(UInt16.self)
        records = []
        records.reserveCapacity(min(Int(count), reader.remaining))
        for _ in 0..<count { records.append(try LogRecord(from: &reader)) }
        try reader.finish()
    }
}
