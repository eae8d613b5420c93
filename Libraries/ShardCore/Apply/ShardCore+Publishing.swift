import Mutations
import Protocol

// Versions of files: which follows which, and what becomes of the one before.

/// What a file that gets a name has to do with what the name led to before.
struct Succession {
    /// What the name must lead to; null: nothing; nil: whatever it is.
    var expected: InodeID?
    /// What is said when it leads elsewhere.
    var refusal = ProtocolError.mismatchingTarget
    /// The number of the file that the new one is a version of; null: it is a file of its own.
    var number = InodeID.null
    /// When the expected version may be destroyed, if it is to leave no snapshot.
    var supersededUntil: Timestamp?

    /// A file of its own, whatever the name leads to.
    static let anything = Succession()
}

/// A file that has got its name, or had it.
struct Publishing {
    var creationTime: Timestamp
    var file: FileRecord
}

/// What a version gets from the one that it replaces.
struct Inheritance {
    /// Null: its own id.
    var number = InodeID.null
    /// Whether it is the next version of the file that had the name.
    var isNext = false
    /// The version that leaves no snapshot, and until when it stays.
    var superseded: (id: InodeID, version: FileRecord, deadline: Timestamp)?
}

extension ShardCore {
    /// PUBLISH_FILE
    func publish(
        _ request: PublishFileRequest, graceNanoseconds: UInt64, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> PublishFileResponse {
        let done = try published(request, .inherited, graceNanoseconds: graceNanoseconds, entry)
        return PublishFileResponse(creationTime: done.creationTime, number: done.file.number(of: request.fileId))
    }

    /// PUBLISH_FILE_WITH_ATTRIBUTES, CERTIFY_AND_PUBLISH
    func publish(
        _ request: PublishFileWithAttributesRequest, certifying proofs: CheckedProofs? = nil,
        graceNanoseconds: UInt64, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> PublishFileWithAttributesResponse {
        let publication = request.publication
        let done = try published(
            publication, FileBeginning(request), certifying: proofs, graceNanoseconds: graceNanoseconds, entry)
        return PublishFileWithAttributesResponse(
            creationTime: done.creationTime, number: done.file.number(of: publication.fileId),
            ownership: try state.ownership(at: done.file.attributes.ownership))
    }

    private func published(
        _ request: PublishFileRequest, _ beginning: FileBeginning, certifying proofs: CheckedProofs? = nil,
        graceNanoseconds: UInt64, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> Publishing {
        switch try state.inode(request.fileId) {
        case .transient(var file) where file.isOpen(at: entry):
            if let proofs { try certify(proofs, of: &file) }
            try append(request.span, to: &file, entry)
            let succession = request.succession(entry, graceNanoseconds: graceNanoseconds)
            return try link(request.link, file, entry, succession, beginning)
        case .linked(let file):
            return Publishing(creationTime: try timeLinked(request.link), file: file)
        case .transient, .absent: throw .refused(.fileNotFound)
        }
    }

    /// What a file that gets a name takes over from what has the name now. Reads nothing for files of their own.
    func inheritance(_ request: LinkFileRequest, _ succession: Succession) throws(ShardFailure) -> Inheritance {
        guard succession.expected != nil || !succession.number.isNull else { return Inheritance() }
        let present = try state.currentEdge(request.ownerId, NameHash(of: request.name), request.name)
        let former = present?.target.id ?? .null
        if let expected = succession.expected, expected != former {
            throw .refused(succession.refusal)
        }
        guard isNumber(succession.number, possibleFor: request.fileId) else { return Inheritance() }
        if !isMine(former), former.isFile { return Inheritance(number: succession.number, isNext: true) }
        guard isMine(former), case .linked(let version) = try state.inode(former),
            version.number(of: former) == succession.number
        else { return try isLeftOver(succession.number) ? Inheritance(number: succession.number) : Inheritance() }
        var inheritance = Inheritance(number: succession.number, isNext: true)
        if succession.expected != nil, let deadline = succession.supersededUntil {
            inheritance.superseded = (former, version, deadline)
        }
        return inheritance
    }

    /// Whether a number is that of a file which was given up before it had a version: whoever made it may have written it
    /// once more, in another inode.
    private func isLeftOver(_ number: InodeID) throws(ShardFailure) -> Bool {
        guard isMine(number), case .transient(let file) = try state.inode(number),
            file.fate == .doomed || Mutation.openNumbersAreTaken.isPlanted
        else { return false }
        return try state.newestVersion(of: number) == nil
    }

    /// Whether the inode can be a version of the file with this number, going by the two alone. One of this shard must
    /// have been given out: a file that is made later begins with its id as its number.
    private func isNumber(_ number: InodeID, possibleFor id: InodeID) -> Bool {
        guard !number.isNull, number.type == id.type, number != id, !Mutation.numberIsLost.isPlanted else {
            return false
        }
        let last = id.type == .symlink ? state.progress.lastSymlink : state.progress.lastFile
        return !isMine(number) || number <= last
    }

    /// Stores what an inheritance changes besides the new version itself.
    func settle(
        _ inheritance: Inheritance, _ request: LinkFileRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) {
        if !inheritance.number.isNull { try state.putNewestVersion(request.fileId, of: inheritance.number) }
        guard let (id, version, deadline) = inheritance.superseded else { return }
        let record = TransientFileRecord(
            size: version.size, mtime: entry.time, deadline: deadline, fate: .superseded(version),
            lastSpanState: .clean, note: request.name)
        try state.putTransientFile(id, record, wasLinked: true)
    }

    /// A linked file goes away for good: whoever asks for the file by its number is not led to it any more.
    func forgetNumber(of id: InodeID, _ file: FileRecord) throws(ShardFailure) {
        guard !file.number.isNull, !Mutation.numbersAreLeftBehind.isPlanted else { return }
        if try state.newestVersion(of: file.number) == id { state.removeNewestVersion(of: file.number) }
    }

    /// A version comes back from history. If its number leads to another one, or to nothing, it is a file of its own
    /// from now on, with a number that nothing else ever had. What lies in another shard stays what it is.
    func renumber(_ id: InodeID) throws(ShardFailure) {
        guard isMine(id), case .linked(var file) = try state.inode(id) else { return }
        let newest = try state.newestVersion(of: file.number(of: id)) ?? (file.number.isNull ? id : .null)
        guard newest != id else { return }
        file.number = state.takeID(of: id.type)
        try state.putFile(id, file, wasTransient: false)
        try state.putNewestVersion(id, of: file.number)
    }

    /// STAT_VERSION
    func statVersion(_ request: StatVersionRequest) throws(ShardFailure) -> StatVersionResponse {
        guard request.id.isFile else { throw .refused(.typeIsDirectory) }
        let id = request.newest ? try newestVersion(of: request.id) : request.id
        let file = try readableFile(id)
        return StatVersionResponse(
            id: id, number: file.number(of: id), mtime: file.mtime, atime: file.atime, size: file.size)
    }

    func newestVersion(of number: InodeID) throws(ShardFailure) -> InodeID {
        if let newest = try state.newestVersion(of: number) { return newest }
        // A superseded version is never the newest, even if those after it are gone.
        guard case .linked(let file) = try state.inode(number), file.number.isNull else {
            throw .refused(.fileNotFound)
        }
        return number
    }
}

extension PublishFileRequest {
    fileprivate func succession(_ entry: ShardLogEntry, graceNanoseconds: UInt64) -> Succession {
        let isChecked = isConditional && !Mutation.publishingIgnoresCondition.isPlanted
        let grace = Mutation.supersededIsNotSpared.isPlanted ? 0 : graceNanoseconds
        return Succession(
            expected: isChecked ? expectedId : nil,
            refusal: expectedId.isNull ? .cannotOverrideName : .mismatchingTarget,
            number: number, supersededUntil: supersedes ? entry.deadline(after: grace) : nil)
    }
}
