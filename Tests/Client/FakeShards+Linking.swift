import Protocol

// How files get names: LINK_FILE and its relatives, and versions.

extension FakeShards {
    func link(_ request: LinkFileRequest) throws(ProtocolError) -> AnyShardResponse {
        .linkFile(LinkFileResponse(creationTime: try timeLinked(request)))
    }

    private func timeLinked(_ request: LinkFileRequest) throws(ProtocolError) -> Timestamp {
        if let found = names[request.name], found.id == request.fileId { return found.creationTime }
        var file = try transient(request.fileId, request.cookie)
        guard !file.isDirty else { throw .lastSpanStateNotClean }
        guard !refusesLinks else { throw .cannotOverrideName }
        file.isLinked = true
        file.number = request.fileId
        files[request.fileId] = file
        let time = now()
        names[request.name] = (request.fileId, time)
        return time
    }

    /// Appends a span, if there is one, and links the file: both or neither.
    private func timeLinked(
        _ request: LinkFileRequest, appending span: AddInlineSpanRequest
    ) throws(ProtocolError) -> Timestamp {
        let before = files[request.fileId]
        do throws(ProtocolError) {
            if !span.body.isEmpty, before?.isLinked != true { _ = try addInline(span) }
            return try timeLinked(request)
        } catch {
            files[request.fileId] = before
            throw error
        }
    }

    func linkIfUnchanged(_ request: LinkFileIfUnchangedRequest) throws(ProtocolError) -> AnyShardResponse {
        let present = names[request.name]?.id ?? .null
        guard present == request.expectedId || present == request.fileId else { throw .mismatchingTarget }
        let time = try timeLinked(
            LinkFileRequest(
                fileId: request.fileId, cookie: request.cookie, ownerId: request.ownerId, name: request.name))
        return .linkFileIfUnchanged(LinkFileIfUnchangedResponse(creationTime: time))
    }

    func linkWithSpan(_ request: LinkFileWithSpanRequest) throws(ProtocolError) -> AnyShardResponse {
        let time = try timeLinked(
            LinkFileRequest(
                fileId: request.fileId, cookie: request.cookie, ownerId: request.ownerId, name: request.name),
            appending: AddInlineSpanRequest(
                fileId: request.fileId, cookie: request.cookie, storageClass: request.storageClass,
                byteOffset: request.byteOffset, size: request.size, crc: request.crc, body: request.body))
        return .linkFileWithSpan(LinkFileWithSpanResponse(creationTime: time))
    }

    // MARK: Versions

    func publish(_ request: PublishFileRequest) throws(ProtocolError) -> AnyShardResponse {
        if let found = names[request.name], found.id == request.fileId, let file = files[found.id] {
            return .publishFile(PublishFileResponse(creationTime: found.creationTime, number: file.number))
        }
        _ = try transient(request.fileId, request.cookie)
        let former = names[request.name]?.id ?? .null
        if request.isConditional, former != request.expectedId {
            throw request.expectedId.isNull ? .cannotOverrideName : .mismatchingTarget
        }
        let time = try timeLinked(
            LinkFileRequest(
                fileId: request.fileId, cookie: request.cookie, ownerId: request.ownerId, name: request.name),
            appending: AddInlineSpanRequest(
                fileId: request.fileId, cookie: request.cookie, storageClass: request.storageClass,
                byteOffset: request.byteOffset, size: request.size, crc: request.crc, body: request.body))
        let isNext = !request.number.isNull && files[former]?.number == request.number
        let number = isNext ? request.number : request.fileId
        files[request.fileId]?.number = number
        files[former]?.isSuperseded = isNext && request.isConditional && request.supersedes
        return .publishFile(PublishFileResponse(creationTime: time, number: number))
    }

    func version(_ id: InodeID, newest: Bool) throws(ProtocolError) -> (InodeID, File) {
        var id = id
        if newest {
            let versions = files.filter { $1.number == id && $1.isLinked && !$1.isSuperseded }
            guard let newest = versions.keys.max() else { throw .fileNotFound }
            id = newest
        }
        guard let file = files[id], file.isLinked else { throw .fileNotFound }
        return (id, file)
    }

    func statVersion(_ request: StatVersionRequest) throws(ProtocolError) -> AnyShardResponse {
        let (id, file) = try version(request.id, newest: request.newest)
        return .statVersion(
            StatVersionResponse(id: id, number: file.number, mtime: now(), atime: now(), size: file.size))
    }
}
