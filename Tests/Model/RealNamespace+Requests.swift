import Erasure
import ReferenceModel
import Protocol

extension RealNamespace {
    typealias Reply = NamespaceReply<Timestamp>

    /// Carries a request of the model's out.
    ///
    /// - Parameters:
    ///   - cookie: of the file that the request is about, if it is about one.
    ///   - time: since when an edge exists, for one that the model knows.
    func perform(
        _ request: NamespaceRequest, cookie: Cookie?, time: (NamespaceRequest.Edge) -> Timestamp
    ) throws -> Reply {
        switch request {
        case .construct, .link, .linkOver, .publish, .setTime, .setAttributes, .scrap, .removeSpan, .removeFile:
            return try performOnFile(request, cookie ?? Cookie(rawValue: 0))
        case .unlink, .rename, .resurrect, .lock, .unlock, .forget, .hardUnlink:
            return try performOnName(request, time)
        case .setInfo(let id, let bodies):
            let entries = bodies.sorted { $0.key < $1.key }.map { DirectoryInfoEntry(tag: $0.key, body: $0.value) }
            let set = SetDirectoryInfoRequest(id: id, info: DirectoryInfo(entries: entries))
            return Reply(try ask(set, at: id.shard)) { _ in .done }
        case .makeDirectory, .removeDirectory, .move, .replace, .hardUnlinkDirectory:
            return try performBetween(request, time)
        case .wait:
            try wait()
            return .done
        }
    }

    /// CONSTRUCT_FILE, and the file's contents.
    func construct(in directory: InodeID, size: UInt32) throws -> Result<ConstructFileResponse, ProtocolError> {
        let made = try ask(ConstructFileRequest(type: .file, note: []), at: directory.shard)
        guard size > 0, case .success(let file) = made else { return made }
        let body = [UInt8](repeating: 1, count: Int(min(size, NamespaceModel.File.mostStored)))
        let span = AddInlineSpanRequest(
            fileId: file.id, cookie: file.cookie, storageClass: .inline, byteOffset: 0, size: size,
            crc: CRC32C(of: body).zeroExtended(by: Int64(size) - Int64(body.count)), body: body)
        return try ask(span, at: directory.shard).map { _ in file }
    }

    /// The number of the file that a linked one is a version of.
    func number(of id: InodeID) throws -> Result<InodeID, ProtocolError> {
        try ask(StatVersionRequest(id: id, newest: false), at: id.shard).map(\.number)
    }

    private func performOnFile(_ request: NamespaceRequest, _ cookie: Cookie) throws -> Reply {
        switch request {
        case .construct(let directory, let size):
            return Reply(try construct(in: directory, size: size)) { .made($0.id) }
        case .link(let file, let owner, let name):
            let link = LinkFileRequest(fileId: file, cookie: cookie, ownerId: owner, name: name)
            return Reply(try ask(link, at: owner.shard)) { .since($0.creationTime) }
        case .linkOver(let file, let owner, let name, let expected):
            let link = LinkFileIfUnchangedRequest(
                fileId: file, cookie: cookie, ownerId: owner, name: name, expectedId: expected)
            return Reply(try ask(link, at: owner.shard)) { .since($0.creationTime) }
        case .publish(let publication):
            let publish = PublishFileRequest(
                fileId: publication.file, cookie: cookie, storageClass: .empty, byteOffset: 0, size: 0, crc: .zero,
                body: [], ownerId: publication.directory, name: publication.name,
                isConditional: publication.expected != nil, expectedId: publication.expected ?? .null,
                number: publication.number, supersedes: publication.supersedes)
            guard let attributes = publication.attributes else {
                return Reply(try ask(publish, at: publication.directory.shard)) { .since($0.creationTime) }
            }
            let greater = PublishFileWithAttributesRequest(
                publication: publish, inherits: attributes.inherits, keepsPrivileges: true,
                otherwise: InodeOwnership(mode: 0o600, uid: 9, gid: 9), kind: attributes.kind,
                device: attributes.device, change: attributes.change)
            return Reply(try ask(greater, at: publication.directory.shard)) { .since($0.creationTime) }
        case .setTime(let file, let time):
            let set = SetTimeRequest(id: file, mtime: 1 << 63 | time, atime: 0)
            return Reply(try ask(set, at: file.shard)) { _ in .done }
        case .setAttributes(let id, let change):
            return Reply(try ask(SetAttributesRequest(id: id, change: change), at: id.shard)) { .made($0.id) }
        case .scrap(let file):
            return Reply(try ask(ScrapTransientFileRequest(id: file, cookie: cookie), at: file.shard)) { _ in .done }
        case .removeSpan(let file):
            let remove = RemoveSpanInitiateRequest(fileId: file, cookie: cookie)
            return Reply(try ask(remove, at: file.shard)) { _ in .done }
        case .removeFile(let file):
            return Reply(try ask(RemoveInodeRequest(id: file), at: file.shard)) { _ in .done }
        default: return .refused(.unrecognizedRequest)
        }
    }

    private func performOnName(
        _ request: NamespaceRequest, _ time: (NamespaceRequest.Edge) -> Timestamp
    ) throws -> Reply {
        switch request {
        case .unlink(let edge):
            let unlink = SoftUnlinkFileRequest(
                ownerId: edge.directory, fileId: edge.target, name: edge.name, creationTime: time(edge))
            return Reply(try ask(unlink, at: edge.directory.shard)) { .since($0.deleteCreationTime) }
        case .rename(let edge, let name, let brings):
            let rename = SameDirectoryRenameRequest(
                targetId: edge.target, dirId: edge.directory, oldName: edge.name, oldCreationTime: time(edge),
                newName: name)
            if brings {
                let rename = RenameWithAttributesRequest(rename: rename)
                return Reply(try ask(rename, at: edge.directory.shard)) { .since($0.newCreationTime) }
            }
            return Reply(try ask(rename, at: edge.directory.shard)) { .since($0.newCreationTime) }
        case .resurrect(let edge, let name):
            let rename = SameDirectoryRenameSnapshotRequest(
                targetId: edge.target, dirId: edge.directory, oldName: edge.name, oldCreationTime: time(edge),
                newName: name)
            return Reply(try ask(rename, at: edge.directory.shard)) { .since($0.newCreationTime) }
        case .lock(let edge):
            let lock = LockCurrentEdgeRequest(
                dirId: edge.directory, targetId: edge.target, creationTime: time(edge), name: edge.name)
            return Reply(try ask(lock, at: edge.directory.shard, isPrivileged: true)) { _ in .done }
        case .unlock(let edge):
            let unlock = UnlockCurrentEdgeRequest(
                dirId: edge.directory, name: edge.name, creationTime: time(edge), targetId: edge.target,
                wasMoved: false)
            return Reply(try ask(unlock, at: edge.directory.shard, isPrivileged: true)) { _ in .done }
        case .forget(let edge):
            let forget = RemoveNonOwnedEdgeRequest(
                dirId: edge.directory, targetId: edge.target, name: edge.name, creationTime: time(edge))
            return Reply(try ask(forget, at: edge.directory.shard)) { _ in .done }
        case .hardUnlink(let edge) where edge.directory.shard == edge.target.shard:
            let unlink = SameShardHardFileUnlinkRequest(
                ownerId: edge.directory, targetId: edge.target, name: edge.name, creationTime: time(edge))
            return Reply(try ask(unlink, at: edge.directory.shard)) { _ in .done }
        case .hardUnlink(let edge):
            let unlink = CrossShardHardUnlinkFileRequest(
                ownerId: edge.directory, targetId: edge.target, name: edge.name, creationTime: time(edge))
            return Reply(try ask(.crossShardHardUnlinkFile(unlink))) { _ in .done }
        default: return .refused(.unrecognizedRequest)
        }
    }

    private func performBetween(
        _ request: NamespaceRequest, _ time: (NamespaceRequest.Edge) -> Timestamp
    ) throws -> Reply {
        switch request {
        case .makeDirectory(let owner, let name, let change):
            let plain = AnyCdcRequest.makeDirectory(MakeDirectoryRequest(ownerId: owner, name: name))
            let answer = try ask(
                change.map {
                    .makeDirectoryWithAttributes(
                        MakeDirectoryWithAttributesRequest(
                            ownerId: owner, name: name, isExclusive: false, change: $0))
                } ?? plain)
            return Reply(answer) { response in
                switch response {
                case .makeDirectory(let made): .directory(made.id, since: made.creationTime)
                case .makeDirectoryWithAttributes(let made): .directory(made.id, since: made.creationTime)
                default: .refused(.malformedResponse)
                }
            }
        case .removeDirectory(let edge):
            let remove = SoftUnlinkDirectoryRequest(
                ownerId: edge.directory, targetId: edge.target, creationTime: time(edge), name: edge.name)
            return Reply(try ask(.softUnlinkDirectory(remove))) { _ in .done }
        case .move(let edge, let owner, let name):
            let rename = RenameFileRequest(
                targetId: edge.target, oldOwnerId: edge.directory, oldName: edge.name, oldCreationTime: time(edge),
                newOwnerId: owner, newName: name)
            return Reply(try ask(edge.target.isDirectory ? .renameDirectory(.init(rename)) : .renameFile(rename))) {
                switch $0 {
                case .renameFile(let response): .since(response.creationTime)
                case .renameDirectory(let response): .since(response.creationTime)
                default: .refused(.malformedResponse)
                }
            }
        case .replace(let edge, let there):
            let replace = ReplaceDirectoryRequest(
                targetId: edge.target, oldOwnerId: edge.directory, oldName: edge.name, oldCreationTime: time(edge),
                newOwnerId: there.directory, newName: there.name, replacedId: there.target,
                replacedCreationTime: time(there))
            return Reply(try ask(.replaceDirectory(replace))) {
                if case .replaceDirectory(let done) = $0 { .since(done.creationTime) } else {
                    .refused(.malformedResponse)
                }
            }
        case .hardUnlinkDirectory(let id):
            return Reply(try ask(.hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: id)))) { _ in .done }
        default: return .refused(.unrecognizedRequest)
        }
    }
}

extension NamespaceReply<Timestamp> {
    fileprivate init<Response>(_ result: Result<Response, ProtocolError>, _ reply: (Response) -> Self) {
        switch result {
        case .success(let response): self = reply(response)
        case .failure(let code): self = .refused(code)
        }
    }
}

extension RenameDirectoryRequest {
    fileprivate init(_ file: RenameFileRequest) {
        self.init(
            targetId: file.targetId, oldOwnerId: file.oldOwnerId, oldName: file.oldName,
            oldCreationTime: file.oldCreationTime, newOwnerId: file.newOwnerId, newName: file.newName)
    }
}
