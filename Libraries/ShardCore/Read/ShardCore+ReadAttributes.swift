import Protocol

extension ShardCore {
    /// STAT_ATTRIBUTES
    func statAttributes(_ request: StatAttributesRequest) throws(ShardFailure) -> StatAttributesResponse {
        if request.id.isDirectory {
            let directory = try anyDirectory(request.id)
            return try StatAttributesResponse(
                id: request.id, number: directory.lastOwner, mtime: directory.mtime, userMtime: directory.shownModified,
                atime: directory.shownAccessed, ctime: directory.shownChanged, size: 0, directory.attributes, state)
        }
        guard request.id.isFile else { throw .refused(.fileNotFound) }
        let id = request.newest ? try newestVersion(of: request.id) : request.id
        let file = try readableFile(id)
        return try StatAttributesResponse(
            id: id, number: file.number(of: id), mtime: file.mtime, userMtime: file.mtime, atime: file.atime,
            ctime: file.shownChanged, size: file.size, file.attributes, state)
    }

    /// EXTENDED_ATTRIBUTES
    func extendedAttributes(
        _ request: ExtendedAttributesRequest
    ) throws(ShardFailure) -> ExtendedAttributesResponse {
        guard !request.id.isNull else { throw .refused(.fileNotFound) }
        let attributes =
            request.id.isDirectory
            ? try anyDirectory(request.id).attributes : try readableFile(request.id).attributes
        guard let extended = attributes.extended else {
            return ExtendedAttributesResponse(total: 0, version: .zero, part: [])
        }
        let record = ExtendedRecord(try state.extendedAttributes(of: request.id, attributes))
        let list: [UInt8]
        do throws(EncodeError) {
            // Behind the version of the record stands the list.
            list = Array(try record.encoded().dropFirst())
        } catch {
            throw .state(.unencodable(error))
        }
        let budget = PageBudget(mtu: request.mtu, fixedSize: 14)
        let part = list.dropFirst(Int(clamping: request.offset)).prefix(budget.remaining)
        return ExtendedAttributesResponse(total: UInt32(list.count), version: extended.version, part: Array(part))
    }
}

extension StatAttributesResponse {
    fileprivate init(
        id: InodeID, number: InodeID, mtime: Timestamp, userMtime: Timestamp, atime: Timestamp, ctime: Timestamp,
        size: UInt64, _ attributes: AttributesRecord, _ state: ShardState
    ) throws(ShardFailure) {
        self.init(
            id: id, number: number, mtime: mtime, userMtime: userMtime, atime: atime, ctime: ctime, size: size,
            holes: attributes.holes, ownership: try state.ownership(at: attributes.ownership),
            kind: attributes.special?.kind ?? .none, device: attributes.special?.device ?? 0,
            extendedBytes: UInt32(attributes.extended?.bytes ?? 0),
            extendedVersion: attributes.extended?.version ?? .zero)
    }
}
