import Protocol
import ShardCore
import TestShards

/// What a client does by itself, without the coordinator.
extension MemoryShards {
    /// Makes an empty file and links it; nil when it was refused.
    func makeFile(_ name: [UInt8], in directory: InodeID) throws -> (id: InodeID, time: Timestamp)? {
        let construct = AnyShardRequest.constructFile(ConstructFileRequest(type: .file, note: name))
        guard case .success(.constructFile(let made)) = try perform(construct, at: directory.shard) else { return nil }
        let link = AnyShardRequest.linkFile(
            LinkFileRequest(fileId: made.id, cookie: made.cookie, ownerId: directory, name: name))
        guard case .success(.linkFile(let linked)) = try perform(link, at: directory.shard) else { return nil }
        return (made.id, linked.creationTime)
    }

    func lookup(_ name: [UInt8], in directory: InodeID) throws -> Result<LookupResponse, ProtocolError> {
        switch try perform(.lookup(LookupRequest(dirId: directory, name: name)), at: directory.shard) {
        case .success(.lookup(let response)): .success(response)
        case .success: .failure(.malformedResponse)
        case .failure(let error): .failure(error)
        }
    }

    func rename(
        _ edge: LookupResponse, _ oldName: [UInt8], to newName: [UInt8], in directory: InodeID
    ) throws -> Result<AnyShardResponse, ProtocolError> {
        try perform(
            .sameDirectoryRename(
                SameDirectoryRenameRequest(
                    targetId: edge.targetId, dirId: directory, oldName: oldName, oldCreationTime: edge.creationTime,
                    newName: newName)), at: directory.shard)
    }

    func unlink(
        _ edge: LookupResponse, _ name: [UInt8], in directory: InodeID
    ) throws -> Result<AnyShardResponse, ProtocolError> {
        try perform(
            .softUnlinkFile(
                SoftUnlinkFileRequest(
                    ownerId: directory, fileId: edge.targetId, name: name, creationTime: edge.creationTime)),
            at: directory.shard)
    }

    func attributes(_ inode: InodeID) throws -> StatAttributesResponse {
        let request = AnyShardRequest.statAttributes(StatAttributesRequest(id: inode, newest: false))
        guard case .statAttributes(let found) = try core(inode.shard).read(request) else {
            throw ProtocolError.malformedResponse
        }
        return found
    }

    func stat(_ directory: InodeID) throws -> Result<StatDirectoryResponse, ProtocolError> {
        switch try perform(.statDirectory(StatDirectoryRequest(id: directory)), at: directory.shard) {
        case .success(.statDirectory(let response)): .success(response)
        case .success: .failure(.malformedResponse)
        case .failure(let error): .failure(error)
        }
    }

    /// The whole history of a directory, oldest first, then what is there now.
    func edges(of directory: InodeID) throws -> [Edge] {
        var edges: [Edge] = []
        var request = FullReadDirRequest(
            dirId: directory, flags: [], startName: [], startTime: .zero, limit: 0, mtu: 8972)
        while case .success(.fullReadDir(let page)) = try perform(.fullReadDir(request), at: directory.shard) {
            edges += page.results
            if page.next.startName.isEmpty { break }
            request.flags = page.next.current ? .current : []
            request.startName = page.next.startName
            request.startTime = page.next.startTime
        }
        return edges
    }
}
