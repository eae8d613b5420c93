import Protocol
import ReferenceModel

extension RealNamespace {
    /// STAT_ATTRIBUTES
    func status(of id: InodeID) throws -> StatAttributesResponse {
        var status = try ask(StatAttributesRequest(id: id, newest: false), at: id.shard).get()
        distortion(&status)
        return status
    }

    /// What the model knows of a STAT_ATTRIBUTES, and EXTENDED_ATTRIBUTES.
    func attributes(_ status: StatAttributesResponse) throws -> NamespaceModel.Attributes {
        let id = status.id
        var attributes = NamespaceModel.Attributes()
        let ownership = status.ownership
        attributes.mode = ownership.mode == InodeOwnership.defaultMode ? nil : ownership.mode
        attributes.uid = ownership.uid == InodeOwnership.defaultID ? nil : ownership.uid
        attributes.gid = ownership.gid == InodeOwnership.defaultID ? nil : ownership.gid
        guard status.extendedBytes > 0 else { return attributes }
        let page = try ask(ExtendedAttributesRequest(id: id, offset: 0, mtu: 8972), at: id.shard).get()
        guard page.total == status.extendedBytes, page.version == status.extendedVersion else {
            throw ProtocolError.malformedResponse
        }
        let list = try page.part.withUnsafeBytes { raw in
            var reader = WireReader(raw)
            let list = try reader.list(of: ExtendedAttribute.self)
            try reader.finish()
            return list
        }
        for attribute in list { attributes.extended[attribute.name] = attribute.value }
        return attributes
    }
}
