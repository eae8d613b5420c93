import Protocol

extension ShardCore {
    /// Answers a read request from the applied state (metadata.md B.2–B.8). Requests that are not reads are refused
    /// with UNRECOGNIZED_REQUEST.
    public func read(_ request: AnyShardRequest) throws(ShardFailure) -> AnyShardResponse {
        switch request {
        case .lookup(let request): .lookup(try lookup(request))
        case .statFile(let request): .statFile(try statFile(request))
        case .statTransientFile(let request): .statTransientFile(try statTransientFile(request))
        case .statDirectory(let request): .statDirectory(try statDirectory(request))
        case .readDir(let request): .readDir(try readDirectory(request))
        case .fullReadDir(let request): .fullReadDir(try fullReadDirectory(request))
        case .localFileSpans(let request): .localFileSpans(try localFileSpans(request))
        case .fileSpans(let request): .fileSpans(try fileSpans(request))
        case .visitDirectories(let request): .visitDirectories(try visitDirectories(request))
        case .visitFiles(let request): .visitFiles(try visitFiles(request))
        case .fileReferences(let request): .fileReferences(try fileReferences(request))
        case .visitTransientFiles(let request): .visitTransientFiles(try visitTransientFiles(request))
        case .blockServiceFiles(let request): .blockServiceFiles(try blockServiceFiles(request))
        case .statVersion(let request): .statVersion(try statVersion(request))
        case .statAttributes(let request): .statAttributes(try statAttributes(request))
        case .extendedAttributes(let request): .extendedAttributes(try extendedAttributes(request))
        case .transientLifetime:
            .transientLifetime(TransientLifetimeResponse(nanoseconds: transientLifetimeNanoseconds))
        default: throw ShardFailure.refused(.unrecognizedRequest)
        }
    }

    private func lookup(_ request: LookupRequest) throws(ShardFailure) -> LookupResponse {
        _ = try liveDirectory(request.dirId)
        let hash = NameHash(of: request.name)
        guard let edge = try state.currentEdge(request.dirId, hash, request.name) else {
            throw .refused(.nameNotFound)
        }
        return LookupResponse(targetId: edge.target.id, creationTime: edge.creationTime)
    }

    private func statFile(_ request: StatFileRequest) throws(ShardFailure) -> StatFileResponse {
        let file = try readableFile(request.id)
        return StatFileResponse(mtime: file.mtime, atime: file.atime, size: file.size)
    }

    /// Expired files are still there; a directory's id is simply not found.
    private func statTransientFile(
        _ request: StatTransientFileRequest
    ) throws(ShardFailure) -> StatTransientFileResponse {
        guard request.id.isFile, case .transient(let file) = try state.inode(request.id) else {
            throw .refused(.fileNotFound)
        }
        return StatTransientFileResponse(mtime: file.mtime, size: file.size, note: file.note)
    }

    private func statDirectory(_ request: StatDirectoryRequest) throws(ShardFailure) -> StatDirectoryResponse {
        let record = try anyDirectory(request.id)
        do throws(DecodeError) {
            let info = try DirectoryInfo(decoding: record.info)
            return StatDirectoryResponse(mtime: record.mtime, owner: record.owner, info: info)
        } catch {
            throw .state(.corruptRecord(key: state.keys.directory(request.id)))
        }
    }
}
