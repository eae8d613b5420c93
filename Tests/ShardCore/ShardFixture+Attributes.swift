import Protocol
import ShardCore
import Testing

// Attributes, as clients that know of them set and read them.

extension ShardFixture {
    func change(
        mode: UInt16? = nil, uid: UInt32? = nil, gid: UInt32? = nil, mtime: UInt64? = nil, atime: UInt64? = nil,
        _ extended: (operation: ExtendedOperation, name: String, value: [UInt8])...
    ) -> InodeAttributeChange {
        InodeAttributeChange(
            ownership: ownership(mode, uid, gid),
            mtime: InodeAttributeChange.field(mtime.map(Timestamp.init(nanoseconds:))),
            atime: InodeAttributeChange.field(atime.map(Timestamp.init(nanoseconds:))),
            extended: extended.map {
                ExtendedAttributeChange(operation: $0.operation, name: $0.name.bytes, value: $0.value)
            })
    }

    func ownership(_ mode: UInt16? = nil, _ uid: UInt32? = nil, _ gid: UInt32? = nil) -> InodeOwnership {
        InodeOwnership(
            mode: mode ?? InodeOwnership.defaultMode, uid: uid ?? InodeOwnership.defaultID,
            gid: gid ?? InodeOwnership.defaultID)
    }

    /// PUBLISH_FILE_WITH_ATTRIBUTES of what is written.
    func publishing(
        _ request: PublishFileRequest, inherits: Bool = true, keepsPrivileges: Bool = true,
        otherwise: InodeOwnership = .default, kind: SpecialFileKind = .none, device: UInt64 = 0,
        _ change: InodeAttributeChange = .nothing
    ) -> PublishFileWithAttributesRequest {
        PublishFileWithAttributesRequest(
            publication: request, inherits: inherits, keepsPrivileges: keepsPrivileges, otherwise: otherwise,
            kind: kind, device: device, change: change)
    }

    /// A file with attributes, under a name that nothing has.
    func publishFirst(_ name: String = "a", _ change: InodeAttributeChange, body: [UInt8] = []) throws -> InodeID {
        let file = try construct()
        try call(publishing(publishing(file, as: name, body: body, over: .null), change))
        return file.id
    }

    @discardableResult
    func set(_ id: InodeID, _ change: InodeAttributeChange) throws -> SetAttributesResponse {
        try call(SetAttributesRequest(id: id, change: change))
    }

    func attributes(_ id: InodeID, newest: Bool = false) throws -> StatAttributesResponse {
        try call(StatAttributesRequest(id: id, newest: newest))
    }

    func extended(_ id: InodeID, mtu: UInt16 = 0) throws -> [ExtendedAttribute] {
        var bytes: [UInt8] = []
        var total = 0
        repeat {
            let page = try call(ExtendedAttributesRequest(id: id, offset: UInt32(bytes.count), mtu: mtu))
            total = Int(page.total)
            if total == 0 { return [] }
            guard !page.part.isEmpty else { throw ProtocolError.malformedResponse }
            bytes += page.part
        } while bytes.count < total
        return try bytes.withUnsafeBytes { raw in
            var reader = WireReader(raw)
            return try reader.list()
        }
    }

    /// All that the store holds, key by key.
    func records() throws -> [[UInt8]: [UInt8]] {
        var records: [[UInt8]: [UInt8]] = [:]
        let iterator = store.iterator(from: [shard.rawValue], upTo: [shard.rawValue + 1])
        iterator.seekToFirst()
        while iterator.isValid {
            records[iterator.key] = iterator.value
            iterator.next()
        }
        return records
    }
}
