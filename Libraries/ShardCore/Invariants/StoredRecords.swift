import Protocol
import Store

// The records of each collection together with what their keys say.

struct StoredInode<Record: WireValue> {
    var id: InodeID
    var record: Record

    init?(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard key.count == 10, let record = try? Record(decoding: value) else { return nil }
        id = InodeID(rawValue: key.bigEndian(at: 2))
        self.record = record
    }
}

struct StoredExtent {
    var file: InodeID
    var byteOffset: UInt64
    var extent: Extent

    init?(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard key.count == 18, let record = try? Extent(decoding: value) else { return nil }
        file = InodeID(rawValue: key.bigEndian(at: 2))
        byteOffset = key.bigEndian(at: 10)
        extent = record
    }

    /// The span, if it is the file's own.
    var ownSpan: StoredSpan? {
        extent.ownSpan.map { StoredSpan(file: file, byteOffset: byteOffset, span: $0) }
    }
}

/// A file's own span.
struct StoredSpan {
    var file: InodeID
    var byteOffset: UInt64
    var span: SpanRecord

    var place: String { "file \(file), span at \(byteOffset)" }
}

struct StoredEdge {
    var key: EdgeKey
    /// The flag: locked for a current edge, owned for a snapshot edge.
    var target: InodeIDExtra
    var creationTime: Timestamp

    init?(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard let parts = EdgeKey([UInt8](key)) else { return nil }
        self.key = parts
        if parts.isCurrent {
            guard let record = try? CurrentEdgeRecord(decoding: value) else { return nil }
            target = record.target
            creationTime = record.creationTime
        } else {
            guard let record = try? SnapshotEdgeRecord(decoding: value) else { return nil }
            target = record.target
            creationTime = parts.snapshotTime
        }
    }

    /// What others have to know of it, if it keeps its target alive.
    var owning: OwningEdge? {
        guard !target.id.isNull, key.isCurrent || target.flag else { return nil }
        let kind: OwningEdge.Kind = !key.isCurrent ? .ownedSnapshot : target.flag ? .locked : .current
        return OwningEdge(
            target: target.id, directory: key.directory, name: key.name, creationTime: creationTime, kind: kind)
    }
}

/// One record of the index of files by block service.
struct StoredIndexRecord {
    var service: BlockServiceID
    var file: InodeID
    var byteOffset: UInt64

    init(service: BlockServiceID, file: InodeID, byteOffset: UInt64) {
        self.service = service
        self.file = file
        self.byteOffset = byteOffset
    }

    init?(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard key.count == 26, value.isEmpty else { return nil }
        service = BlockServiceID(rawValue: key.bigEndian(at: 2))
        file = InodeID(rawValue: key.bigEndian(at: 10))
        byteOffset = key.bigEndian(at: 18)
    }
}

extension UnsafeRawBufferPointer {
    /// The eight bytes at `offset` as a big-endian number; the caller has checked the length.
    func bigEndian(at offset: Int) -> UInt64 {
        UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
