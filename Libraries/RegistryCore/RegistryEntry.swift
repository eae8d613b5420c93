import Protocol
import Wire

/// One entry of the registry's log: what is to happen, when, and by which rules it is judged.
///
/// Format, version 1: version u8, kind u8, time u64, rules (flags u8, interval u64, domains u8), body. Kinds below
/// 0xE0 are registry requests with the request's own body; the others are the registry's own commands.
public struct RegistryEntry: Sendable, Equatable {
    /// What the entry does.
    public enum Command: Sendable, Equatable {
        /// A client's request.
        case request(AnyRegistryRequest)
        /// Marks every block service stale that was silent for this long when the entry was made.
        case markStale(delayNanoseconds: UInt64)
        /// Records which block services still hold blocks of files (services.md A.10).
        case setHasFiles([HasFilesChange])
    }

    /// Stamped by the leader, strictly increasing along the log.
    public var time: Timestamp
    public var rules: RegistryRules
    public var command: Command

    public init(time: Timestamp, rules: RegistryRules, command: Command) {
        self.time = time
        self.rules = rules
        self.command = command
    }

    static let version: UInt8 = 1

    /// The entry's bytes for the log.
    public func encoded() throws(EncodeError) -> [UInt8] {
        switch command {
        case .request(let request):
            return try encoded(kind: .request(request.kind), bodySize: request.encodedSize) {
                (writer) throws(EncodeError) in try request.encode(into: &writer)
            }
        case .markStale(let delay):
            return try encoded(kind: .markStale, bodySize: UInt64.wireSize) {
                (writer) throws(EncodeError) in try writer.write(delay)
            }
        case .setHasFiles(let changes):
            return try encoded(
                kind: .setHasFiles, bodySize: UInt16.wireSize + changes.count * HasFilesChange.wireSize
            ) { (writer) throws(EncodeError) in try writer.list(changes) }
        }
    }

    private func encoded(
        kind: Kind, bodySize: Int, body: (inout WireWriter) throws(EncodeError) -> Void
    ) throws(EncodeError) -> [UInt8] {
        var failure: EncodeError?
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.headerSize + bodySize) { buffer, count in
            var writer = WireWriter(UnsafeMutableRawBufferPointer(buffer))
            do throws(EncodeError) {
                try writer.write(Self.version)
                try writer.write(kind.rawValue)
                try writer.write(time)
                try writer.write(rules)
                try body(&writer)
                count = writer.count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Version, kind, time and rules.
    static let headerSize = 2 * UInt8.wireSize + Timestamp.wireSize + RegistryRules.wireSize

    /// Reads the bytes of entry `index`.
    public init(decoding bytes: [UInt8], at index: LogIndex) throws(RegistryCoreError) {
        self = try bytes.withUnsafeBytes { (raw) -> Result<RegistryEntry, RegistryCoreError> in
            do throws(RegistryCoreError) {
                return .success(try RegistryEntry(decoding: raw, at: index))
            } catch {
                return .failure(error)
            }
        }.get()
    }

    private init(decoding raw: UnsafeRawBufferPointer, at index: LogIndex) throws(RegistryCoreError) {
        var reader = WireReader(raw)
        do throws(DecodeError) {
            let version = try reader.read(UInt8.self)
            let kind = try reader.read(UInt8.self)
            guard version == Self.version, let kind = Kind(rawValue: kind) else {
                throw .unknownKind
            }
            time = try reader.read()
            rules = try reader.read()
            command = try Self.command(of: kind, from: &reader)
            try reader.finish()
        } catch {
            guard error == .unknownKind, raw.count >= 2 else { throw .malformedEntry(at: index) }
            throw .unknownEntry(version: raw[0], kind: raw[1])
        }
    }

    private static func command(of kind: Kind, from reader: inout WireReader) throws(DecodeError) -> Command {
        switch kind {
        case .request(let kind): .request(try AnyRegistryRequest.decode(kind: kind, from: &reader))
        case .markStale: .markStale(delayNanoseconds: try reader.read())
        case .setHasFiles: .setHasFiles(try reader.list())
        }
    }

    /// The kind byte.
    private enum Kind {
        case request(RegistryKind)
        case markStale
        case setHasFiles

        init?(rawValue: UInt8) {
            switch rawValue {
            case 0xE0: self = .markStale
            case 0xE1: self = .setHasFiles
            default:
                guard let kind = RegistryKind(rawValue: rawValue) else { return nil }
                self = .request(kind)
            }
        }

        var rawValue: UInt8 {
            switch self {
            case .request(let kind): kind.rawValue
            case .markStale: 0xE0
            case .setHasFiles: 0xE1
            }
        }
    }
}
