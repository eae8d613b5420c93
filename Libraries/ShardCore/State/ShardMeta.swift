import Protocol
import Wire

/// What a shard is given once, by its first log entry.
struct ShardIdentity: WireValue, Hashable {
    /// Signs the cookies of files; the same in all replicas (C.11).
    var cookieKey: SecretKey

    static var minimumWireSize: Int { 1 + SecretKey.minimumWireSize }
    var encodedSize: Int { 1 + cookieKey.encodedSize }

    init(cookieKey: SecretKey) {
        self.cookieKey = cookieKey
    }

    init(from reader: inout WireReader) throws(DecodeError) {
        try reader.recordVersion1()
        cookieKey = try reader.read()
    }

    func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(recordVersion)
        try writer.write(cookieKey)
    }
}

/// What every applied entry moves forward.
package struct ShardProgress: WireValue, Hashable {
    /// The index of the last applied entry; 0 when there was none.
    package var appliedIndex: LogIndex
    /// The highest entry time applied.
    package var lastTime: Timestamp
    /// The last ids given out (A.2).
    package var lastFile: InodeID
    package var lastSymlink: InodeID
    /// The highest block number given out; `BlockNumbers` tells which are free below it.
    package var lastBlock: BlockID
    /// No number of the coordinator up to here is carried out any more.
    package var closedSequence: UInt64
    /// The remembered requests without a number are the `firstRecent`th up to before the `nextRecent`th.
    package var firstRecent: UInt64
    package var nextRecent: UInt64

    /// The progress of an empty shard.
    init(shard: ShardID) {
        appliedIndex = LogIndex(rawValue: 0)
        lastTime = Timestamp(nanoseconds: 0)
        lastFile = InodeID(type: .file, shard: shard, index: 0)
        lastSymlink = InodeID(type: .symlink, shard: shard, index: 0)
        lastBlock = BlockID(rawValue: UInt64(shard.rawValue))
        closedSequence = 0
        firstRecent = 0
        nextRecent = 0
    }

    /// Version 1 ended after `lastBlock`.
    private static let version: UInt8 = 2

    package static var minimumWireSize: Int { 41 }
    package var encodedSize: Int { 65 }

    package init(from reader: inout WireReader) throws(DecodeError) {
        let version = try reader.read(UInt8.self)
        guard (1...Self.version).contains(version) else { throw .invalidVariant }
        appliedIndex = try reader.read()
        lastTime = try reader.read()
        lastFile = try reader.read()
        lastSymlink = try reader.read()
        lastBlock = try reader.read()
        closedSequence = version > 1 ? try reader.read() : 0
        firstRecent = version > 1 ? try reader.read() : 0
        nextRecent = version > 1 ? try reader.read() : 0
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(Self.version)
        try writer.write(appliedIndex)
        try writer.write(lastTime)
        try writer.write(lastFile)
        try writer.write(lastSymlink)
        try writer.write(lastBlock)
        try writer.write(closedSequence)
        try writer.write(firstRecent)
        try writer.write(nextRecent)
    }
}
