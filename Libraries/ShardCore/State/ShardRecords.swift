import Protocol
import Wire

// What the store holds under the keys of `ShardKeys`. Every record begins with a version byte; a version this code does
// not know is refused as corrupt rather than misread.

/// The version byte that every record begins with.
let recordVersion: UInt8 = 1

extension WireReader {
    mutating func recordVersion1() throws(DecodeError) {
        guard try read(UInt8.self) == recordVersion else { throw .invalidVariant }
    }
}

/// A linked file or symlink.
package struct FileRecord: WireValue, Hashable {
    package var size: UInt64
    package var mtime: Timestamp
    package var atime: Timestamp
    /// The number of the file that this is a version of; null: its own id.
    package var number: InodeID
    private var box = AttributesBox.nothing

    package init(size: UInt64, mtime: Timestamp, atime: Timestamp, number: InodeID = .null) {
        self.size = size
        self.mtime = mtime
        self.atime = atime
        self.number = number
    }

    package var attributes: AttributesRecord {
        get { box.record }
        set { box.record = newValue }
    }

    /// Roughly what its attributes take in memory.
    var attributesMemoryBytes: Int { box.memoryBytes }

    /// The number of the file that the inode `id`, whose record this is, is a version of.
    package func number(of id: InodeID) -> InodeID { number.isNull ? id : number }

    /// Version 1 has neither number nor attributes, 2 a number, 3 attributes, 4 both.
    private var version: UInt8 { 1 + (number.isNull ? 0 : 1) + (attributes.isEmpty ? 0 : 2) }

    package static var minimumWireSize: Int { 25 }
    package var encodedSize: Int { (number.isNull ? 25 : 33) + attributes.encodedSize }

    package init(from reader: inout WireReader) throws(DecodeError) {
        let version = try reader.read(UInt8.self)
        guard (1...4).contains(version) else { throw .invalidVariant }
        size = try reader.read()
        mtime = try reader.read()
        atime = try reader.read()
        let hasNumber = version == 2 || version == 4
        number = hasNumber ? try reader.read() : .null
        guard number.isNull == !hasNumber else { throw .invalidValue }
        if version > 2 { attributes = try reader.read() }
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(version)
        try writer.write(size)
        try writer.write(mtime)
        try writer.write(atime)
        if !number.isNull { try writer.write(number) }
        try writer.write(attributes)
    }
}

/// Which version of a file is the newest in this shard.
package struct NumberRecord: WireValue, Hashable {
    package var newest: InodeID

    package init(newest: InodeID) { self.newest = newest }

    package static var minimumWireSize: Int { 9 }
    package var encodedSize: Int { 9 }

    package init(from reader: inout WireReader) throws(DecodeError) {
        try reader.recordVersion1()
        newest = try reader.read()
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(recordVersion)
        try writer.write(newest)
    }
}

/// How far the last span of a transient file is (A.7).
package enum SpanState: UInt8, Sendable {
    case clean = 0
    case dirty = 1
    case condemned = 2
}

/// What a transient file may still become.
package enum TransientFate: Hashable, Sendable {
    /// Anything until its deadline, by the leader's clock.
    case open
    /// It was scrapped, unlinked, or its destruction has begun: no clock that goes back gives it to its writer again.
    case doomed
    /// As `open`, by the time of entries: of versions that knew no clock.
    case openByEntryTime
    /// It was a version of a file, this one, until a newer version took its name without leaving a snapshot. Only read
    /// from then on, and destroyed after its deadline.
    indirect case superseded(FileRecord)

    fileprivate enum Tag: UInt8 {
        case open = 0
        case doomed = 1
        case openByEntryTime = 2
        case superseded = 3
    }

    fileprivate var tag: Tag {
        switch self {
        case .open: .open
        case .doomed: .doomed
        case .openByEntryTime: .openByEntryTime
        case .superseded: .superseded
        }
    }
}

/// A file under construction or being destroyed (A.6).
package struct TransientFileRecord: WireValue, Hashable {
    package var size: UInt64
    package var mtime: Timestamp
    package var deadline: Timestamp
    package var fate: TransientFate
    package var lastSpanState: SpanState
    package var note: [UInt8]
    /// How many of its bytes are zeros that take no room, for as long as it may still become a file.
    package var holes: UInt64 = 0

    package init(
        size: UInt64, mtime: Timestamp, deadline: Timestamp, fate: TransientFate = .open, lastSpanState: SpanState,
        note: [UInt8]
    ) {
        self.size = size
        self.mtime = mtime
        self.deadline = deadline
        self.fate = fate
        self.lastSpanState = lastSpanState
        self.note = note
    }

    /// Whether the deadline is over at an entry.
    func isPastDeadline(at entry: ShardLogEntry) -> Bool {
        switch fate {
        case .open: deadline < entry.now && !(entry.sparedSince.map { deadline >= $0 } ?? false)
        case .openByEntryTime: deadline < entry.time
        case .doomed, .superseded: deadline < entry.now
        }
    }

    /// Whether its writer may go on at an entry.
    func isOpen(at entry: ShardLogEntry) -> Bool {
        switch fate {
        case .open, .openByEntryTime: !isPastDeadline(at: entry)
        case .doomed, .superseded: false
        }
    }

    /// The version that it was and, to readers, still is; nil unless it is superseded.
    package var supersededVersion: FileRecord? {
        if case .superseded(let version) = fate { return version }
        return nil
    }

    /// Version 1 had no fate, version 2 was never superseded, version 3 had no holes.
    private var version: UInt8 { holes > 0 ? 4 : supersededVersion == nil ? 2 : 3 }

    package static var minimumWireSize: Int { 27 }
    package var encodedSize: Int {
        28 + (supersededVersion?.encodedSize ?? 0) + note.count + (holes > 0 ? 8 : 0)
    }

    package init(from reader: inout WireReader) throws(DecodeError) {
        let version = try reader.read(UInt8.self)
        guard (1...4).contains(version) else { throw .invalidVariant }
        size = try reader.read()
        mtime = try reader.read()
        deadline = try reader.read()
        guard let state = SpanState(rawValue: try reader.read()) else { throw .invalidValue }
        lastSpanState = state
        switch version > 1 ? TransientFate.Tag(rawValue: try reader.read()) : .openByEntryTime {
        case .open: fate = .open
        case .doomed: fate = .doomed
        case .openByEntryTime: fate = .openByEntryTime
        case .superseded where version > 2: fate = .superseded(try reader.read())
        default: throw .invalidValue
        }
        note = try reader.bytes()
        if version > 3 {
            holes = try reader.read()
            guard holes > 0 else { throw .invalidValue }
        }
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(version)
        try writer.write(size)
        try writer.write(mtime)
        try writer.write(deadline)
        try writer.write(lastSpanState.rawValue)
        try writer.write(fate.tag.rawValue)
        if let supersededVersion { try writer.write(supersededVersion) }
        try writer.bytes(note)
        if holes > 0 { try writer.write(holes) }
    }
}

/// A directory, live or snapshot.
package struct DirectoryRecord: WireValue, Hashable {
    /// NULL makes it a snapshot directory, unless it is ROOT.
    package var owner: InodeID
    package var mtime: Timestamp
    /// How many edges of either kind there are, so that emptiness is known without a scan.
    package var currentEdges: UInt64
    package var snapshotEdges: UInt64
    /// The policies, as an encoded `DirectoryInfo`: the shard only ever passes them on.
    package var info: [UInt8]
    private var box = AttributesBox.nothing

    package init(
        owner: InodeID, mtime: Timestamp, currentEdges: UInt64, snapshotEdges: UInt64, info: [UInt8]
    ) {
        self.owner = owner
        self.mtime = mtime
        self.currentEdges = currentEdges
        self.snapshotEdges = snapshotEdges
        self.info = info
    }

    package var attributes: AttributesRecord {
        get { box.record }
        set { box.record = newValue }
    }

    /// Roughly what its attributes take in memory.
    var attributesMemoryBytes: Int { box.memoryBytes }

    /// Version 1 has no attributes.
    private var version: UInt8 { attributes.isEmpty ? 1 : 2 }

    /// The only hash mode there is: XXH3 with the top bit cleared (A.1).
    private static let hashMode: UInt8 = 1

    package static var minimumWireSize: Int { 36 }
    package var encodedSize: Int { 36 + info.count + attributes.encodedSize }

    package init(from reader: inout WireReader) throws(DecodeError) {
        let version = try reader.read(UInt8.self)
        guard (1...2).contains(version) else { throw .invalidVariant }
        owner = try reader.read()
        mtime = try reader.read()
        guard try reader.read(UInt8.self) == Self.hashMode else { throw .invalidValue }
        currentEdges = try reader.read()
        snapshotEdges = try reader.read()
        info = try reader.blob()
        if version > 1 { attributes = try reader.read() }
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(version)
        try writer.write(owner)
        try writer.write(mtime)
        try writer.write(Self.hashMode)
        try writer.write(currentEdges)
        try writer.write(snapshotEdges)
        try writer.blob(info)
        try writer.write(attributes)
    }
}

/// The name of something now (A.4).
package struct CurrentEdgeRecord: WireValue, Hashable {
    /// The flag says whether a transaction of the coordinator holds the edge.
    package var target: InodeIDExtra
    package var creationTime: Timestamp

    package init(target: InodeID, isLocked: Bool, creationTime: Timestamp) {
        self.target = InodeIDExtra(id: target, flag: isLocked)
        self.creationTime = creationTime
    }

    package var isLocked: Bool { target.flag }

    package static var minimumWireSize: Int { 17 }
    package var encodedSize: Int { 17 }

    package init(from reader: inout WireReader) throws(DecodeError) {
        try reader.recordVersion1()
        target = try reader.read()
        creationTime = try reader.read()
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(recordVersion)
        try writer.write(target)
        try writer.write(creationTime)
    }
}

/// What a name was once, or (target NULL) the fact that it stopped being anything.
package struct SnapshotEdgeRecord: WireValue, Hashable {
    /// The flag says whether the edge keeps its file alive.
    package var target: InodeIDExtra

    package init(target: InodeID, isOwned: Bool) {
        self.target = InodeIDExtra(id: target, flag: isOwned)
    }

    package static let deletionMarker = SnapshotEdgeRecord(target: .null, isOwned: false)

    package var isOwned: Bool { target.flag }
    package var isDeletionMarker: Bool { target.id == .null }

    package static var minimumWireSize: Int { 9 }
    package var encodedSize: Int { 9 }

    package init(from reader: inout WireReader) throws(DecodeError) {
        try reader.recordVersion1()
        target = try reader.read()
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(recordVersion)
        try writer.write(target)
    }
}
