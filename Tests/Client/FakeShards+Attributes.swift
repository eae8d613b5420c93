import Client
import Protocol

/// What a fake shard keeps of a file's attributes.
struct FakeAttributes {
    var ownership = InodeOwnership.default
    var kind = SpecialFileKind.none
    var device: UInt64 = 0
    var extended: [ExtendedAttribute] = []
    var version = Timestamp.zero
}

extension FakeShards {
    func publish(_ request: PublishFileWithAttributesRequest) throws(ProtocolError) -> AnyShardResponse {
        let id = request.publication.fileId
        let isFirst = files[id]?.isLinked == false
        let former = names[request.publication.name].flatMap { files[$0.id] }
        guard case .publishFile(let published) = try publish(request.publication) else { throw .internalError }
        if isFirst {
            if request.inherits, let former { files[id]?.attributes = former.attributes }
            files[id]?.attributes.kind = request.kind
            files[id]?.attributes.device = request.device
            try change(id, request.change)
        }
        return .publishFileWithAttributes(
            PublishFileWithAttributesResponse(
                creationTime: published.creationTime, number: published.number,
                ownership: files[id]?.attributes.ownership ?? .default))
    }

    func certifyAndPublish(_ request: CertifyAndPublishRequest) throws(ProtocolError) -> AnyShardResponse {
        let (publication, before) = (request.publication.publication, files)
        do throws(ProtocolError) {
            if files[publication.fileId]?.isLinked == false {
                let certification = AddSpanCertifyRequest(
                    fileId: publication.fileId, cookie: publication.cookie, byteOffset: request.byteOffset,
                    proofs: request.proofs)
                _ = try certify(certification)
            }
            guard case .publishFileWithAttributes(let done) = try publish(request.publication) else {
                throw .internalError
            }
            return .certifyAndPublish(CertifyAndPublishResponse(publication: done))
        } catch {
            files = before
            throw error
        }
    }

    private func change(_ id: InodeID, _ change: InodeAttributeChange) throws(ProtocolError) {
        guard var file = files[id] else { throw .fileNotFound }
        try file.attributes.extended.apply(change.extended)
        file.attributes.ownership = file.attributes.ownership.changed(by: change.ownership)
        file.attributes.version = now()
        files[id] = file
    }

    func setAttributes(_ request: SetAttributesRequest) throws(ProtocolError) -> AnyShardResponse {
        try change(request.id, request.change)
        return .setAttributes(
            SetAttributesResponse(
                id: request.id, ctime: now(), ownership: files[request.id]?.attributes.ownership ?? .default))
    }

    func statAttributes(_ request: StatAttributesRequest) throws(ProtocolError) -> AnyShardResponse {
        let (id, file) = try version(request.id, newest: request.newest)
        let kept = file.attributes
        let list = try encoded(kept.extended)
        return .statAttributes(
            StatAttributesResponse(
                id: id, number: file.number, mtime: now(), userMtime: now(), atime: now(), ctime: now(),
                size: file.size, holes: 0, ownership: kept.ownership, kind: kept.kind, device: kept.device,
                extendedBytes: kept.extended.isEmpty ? 0 : UInt32(list.count), extendedVersion: kept.version))
    }

    func extendedAttributes(_ request: ExtendedAttributesRequest) throws(ProtocolError) -> AnyShardResponse {
        let (_, file) = try version(request.id, newest: false)
        guard !file.attributes.extended.isEmpty else {
            return .extendedAttributes(ExtendedAttributesResponse(total: 0, version: .zero, part: []))
        }
        let list = try encoded(file.attributes.extended)
        let part = Array(list.dropFirst(Int(request.offset)).prefix(1000))
        afterPart?(self)
        return .extendedAttributes(
            ExtendedAttributesResponse(total: UInt32(list.count), version: file.attributes.version, part: part))
    }

    private func encoded(_ list: [ExtendedAttribute]) throws(ProtocolError) -> [UInt8] {
        do {
            return try encodedBytes(capacity: 8192) { (writer) throws(EncodeError) in try writer.list(list) }
        } catch {
            throw .internalError
        }
    }
}
