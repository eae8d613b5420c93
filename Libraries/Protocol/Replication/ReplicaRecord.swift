import Consensus
import Wire

/// What replicas keep on disks and tell each other, so that programs of different versions meet it: in its record the
/// version of its format goes before it.
public protocol ReplicaRecord: WireValue {
    /// That in which records are made; nothing later is understood.
    static var recordVersion: UInt8 { get }
}

extension ReplicaRecord {
    /// The version, a byte, and the value.
    public func record() throws(EncodeError) -> [UInt8] {
        try encodedBytes(capacity: 1 + encodedSize) { (writer) throws(EncodeError) in
            try writer.write(Self.recordVersion)
            try encode(into: &writer)
        }
    }

    /// - Throws: `DecodeError.unknownVersion` for what a later program has made.
    public init(record bytes: UnsafeRawBufferPointer) throws(DecodeError) {
        var reader = WireReader(bytes)
        guard try reader.read(UInt8.self) == Self.recordVersion else { throw .unknownVersion }
        try self.init(from: &reader)
        try reader.finish()
    }

    /// - Throws: `DecodeError.unknownVersion` for what a later program has made.
    public init(record bytes: [UInt8]) throws(DecodeError) {
        self = try bytes.withUnsafeBytes { (raw) -> Result<Self, DecodeError> in
            do throws(DecodeError) {
                return .success(try Self(record: raw))
            } catch {
                return .failure(error)
            }
        }.get()
    }
}

extension HardState: ReplicaRecord {
    public static var recordVersion: UInt8 { 1 }
}

extension Configuration: ReplicaRecord {
    public static var recordVersion: UInt8 { 1 }
}

extension SnapshotBase: ReplicaRecord {
    public static var recordVersion: UInt8 { 1 }
}
