import Mutations
import Protocol

// Owner, mode, ctime, extended attributes, and the times that somebody gave a directory.

extension ShardCore {
    /// SET_ATTRIBUTES
    func setAttributes(
        _ request: SetAttributesRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> SetAttributesResponse {
        let attributes: AttributesRecord
        let id: InodeID
        if request.id.isDirectory {
            id = request.id
            var directory = try anyDirectory(id)
            try change(&directory, id, by: request.change, entry)
            directory.attributes.changed = entry.time
            attributes = directory.attributes
            try state.putDirectory(id, directory)
        } else {
            var file: FileRecord
            (id, file) = try changeableFile(request.id)
            try change(&file, id, by: request.change, entry)
            if !Mutation.changesLeaveNoTime.isPlanted { file.attributes.changed = entry.time }
            attributes = file.attributes
            try state.putFile(id, file, wasTransient: false)
        }
        return SetAttributesResponse(
            id: id, ctime: entry.time, ownership: try state.ownership(at: attributes.ownership))
    }

    /// The version whose attributes are meant. Who has a superseded one in his hands means the file.
    private func changeableFile(_ id: InodeID) throws(ShardFailure) -> (InodeID, FileRecord) {
        guard id.isFile else { throw .refused(.typeIsDirectory) }
        switch try state.inode(id) {
        case .linked(let file):
            // A body is nobody's, and goes when nobody refers to it.
            guard try state.body(id) == nil else { throw .refused(.fileNotFound) }
            return (id, file)
        case .transient(let file):
            guard let version = file.supersededVersion else { throw .refused(.fileNotFound) }
            let newest = try newestVersion(of: version.number(of: id))
            return (newest, try linkedFile(newest))
        case .absent: throw .refused(.fileNotFound)
        }
    }

    /// The attributes of a file that gets its name.
    func beginAttributes(
        of file: inout FileRecord, _ request: LinkFileRequest, _ beginning: FileBeginning, _ inheritance: Inheritance,
        _ entry: ShardLogEntry
    ) throws(ShardFailure) {
        guard entry.keepsAttributes else { return }
        if beginning.special != nil, file.size > 0 { throw .refused(.badSpanBody) }
        if !Mutation.kindIsForgotten.isPlanted { file.attributes.special = beginning.special }
        var heritage = Heritage(ownership: beginning.otherwise)
        let inherits = beginning.inherits && !Mutation.attributesAreNotInherited.isPlanted
        let mayInherit =
            !beginning.isVersion || !inheritance.number.isNull || Mutation.replacementsInheritFromAnybody.isPlanted
        if inherits, mayInherit, beginning.special == nil {
            let predecessor = try predecessor(of: request.fileId, at: request.name, in: request.ownerId)
            try heritage.take(over: predecessor, keepsPrivileges: beginning.keepsPrivileges, state)
        }
        let modified = file.mtime
        file.setTimes(beginning.change.mtime, beginning.change.atime)
        if file.mtime != modified { file.attributes.changed = entry.time }
        try begin(&file.attributes, request.fileId, with: heritage, beginning.change, entry)
    }

    /// SAME_DIRECTORY_RENAME comes from clients that know nothing of attributes. As a file that they make under a name
    /// does, one that they make under another and rename gets what the file had that it replaces: `sed -i`, rsync.
    func inheritAttributes(
        _ request: SameDirectoryRenameRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) {
        let id = request.targetId
        guard id.type == .file, isMine(id), !Mutation.renamedFilesInheritNothing.isPlanted,
            case .linked(var file) = try state.inode(id), file.attributes.isPlain
        else { return }
        let predecessor = try predecessor(of: id, at: request.newName, in: request.dirId)
        var heritage = Heritage(ownership: .default)
        try heritage.take(over: predecessor, keepsPrivileges: false, state)
        guard !heritage.isNothing else { return }
        try begin(&file.attributes, id, with: heritage, .nothing, entry)
        file.attributes.changed = entry.time
        try state.putFile(id, file, wasTransient: false)
    }

    /// Gives an inode that has none attributes.
    private func begin(
        _ attributes: inout AttributesRecord, _ id: InodeID, with heritage: Heritage, _ change: InodeAttributeChange,
        _ entry: ShardLogEntry
    ) throws(ShardFailure) {
        attributes.ownership = heritage.place
        try self.change(
            &attributes, id, from: heritage.ownership, extended: heritage.extended,
            storesAnew: !heritage.extended.isEmpty, by: change, entry)
    }

    /// The ordinary file whose attributes one that gets its name inherits.
    private func predecessor(
        of file: InodeID, at name: [UInt8], in directory: InodeID
    ) throws(ShardFailure) -> Predecessor {
        guard file.type == .file, let edge = try state.currentEdge(directory, NameHash(of: name), name) else {
            return .none
        }
        let id = edge.target.id
        guard id.type == .file, id != file else { return .none }
        guard isMine(id) else { return .elsewhere }
        guard case .linked(let former) = try state.inode(id), former.attributes.special == nil else { return .none }
        return .here(id, former)
    }

    private func change(
        _ file: inout FileRecord, _ id: InodeID, by change: InodeAttributeChange, _ entry: ShardLogEntry
    ) throws(ShardFailure) {
        file.setTimes(change.mtime, change.atime)
        try self.change(&file.attributes, id, by: change, entry)
    }

    /// The directory's own time, by which everybody knows whether its entries have changed, stays.
    func change(
        _ directory: inout DirectoryRecord, _ id: InodeID, by change: InodeAttributeChange, _ entry: ShardLogEntry
    ) throws(ShardFailure) {
        let modified = InodeAttributeChange.time(change.mtime)
        let accessed = InodeAttributeChange.time(change.atime)
        if modified != nil || accessed != nil {
            directory.attributes.times = AttributesRecord.DirectoryTimes(
                version: directory.mtime, modified: modified ?? directory.shownModified,
                accessed: accessed ?? directory.shownAccessed)
        }
        try self.change(&directory.attributes, id, by: change, entry)
    }

    /// Ownership and extended attributes. Reads the latter only where they change.
    private func change(
        _ attributes: inout AttributesRecord, _ id: InodeID, by change: InodeAttributeChange, _ entry: ShardLogEntry
    ) throws(ShardFailure) {
        let extended =
            change.extended.isEmpty ? [] : try state.extendedAttributes(of: id, attributes)
        let ownership = try state.ownership(at: attributes.ownership)
        try self.change(&attributes, id, from: ownership, extended: extended, storesAnew: false, by: change, entry)
    }

    /// - Parameters:
    ///   - before: the ownership that is changed. Stored once: an entry adds at most one that no inode had before.
    ///   - extended: what the inode has, if it is needed.
    ///   - storesAnew: whether that has to be stored even if nothing of it changes.
    private func change(
        _ attributes: inout AttributesRecord, _ id: InodeID, from before: InodeOwnership,
        extended: [ExtendedAttribute], storesAnew: Bool, by change: InodeAttributeChange, _ entry: ShardLogEntry
    ) throws(ShardFailure) {
        let ownership = before.changed(by: change.ownership)
        if ownership != (try state.ownership(at: attributes.ownership)) {
            attributes.ownership = try state.place(of: ownership)
        }
        guard storesAnew || !change.extended.isEmpty else { return }
        var extended = extended
        do throws(ProtocolError) {
            try extended.apply(change.extended)
        } catch {
            throw .refused(error)
        }
        try state.putExtended(extended, of: id, &attributes, at: entry.time)
    }
}

extension FileRecord {
    /// Sets the times that the fields of a request give.
    mutating func setTimes(_ modified: UInt64, _ accessed: UInt64) {
        if let modified = InodeAttributeChange.time(modified) { mtime = modified }
        if let accessed = InodeAttributeChange.time(accessed) { atime = accessed }
    }

    var shownChanged: Timestamp { attributes.changed ?? mtime }
}

extension DirectoryRecord {
    var shownModified: Timestamp {
        guard let times = attributes.times, times.version == mtime || Mutation.directoryTimesStay.isPlanted else {
            return mtime
        }
        return times.modified
    }

    var shownAccessed: Timestamp { attributes.times?.accessed ?? mtime }

    var shownChanged: Timestamp { max(attributes.changed ?? .zero, mtime) }

    /// The directory in which it is, or was when it was removed; null: none, or nobody knows.
    var lastOwner: InodeID {
        guard owner.isNull, !Mutation.removedDirectoriesForgetTheirPlace.isPlanted else { return owner }
        return attributes.formerOwner ?? .null
    }
}
