import Protocol
import Store

// Listing what a shard has (metadata.md B.7), for the garbage collector and the scrubber.

extension ShardCore {
    func visitDirectories(_ request: VisitDirectoriesRequest) throws(ShardFailure) -> VisitDirectoriesResponse {
        let (ids, next) = try visit(.directories, request.beginId, request.mtu)
        return VisitDirectoriesResponse(nextId: next, ids: ids)
    }

    func visitFiles(_ request: VisitFilesRequest) throws(ShardFailure) -> VisitFilesResponse {
        let (ids, next) = try visit(.files, request.beginId, request.mtu)
        return VisitFilesResponse(nextId: next, ids: ids)
    }

    private func visit(
        _ collection: ShardKeys.Collection, _ begin: InodeID, _ mtu: UInt16
    ) throws(ShardFailure) -> (ids: [InodeID], next: InodeID) {
        var budget = PageBudget(mtu: mtu, fixedSize: 10)
        var ids: [InodeID] = []
        let iterator = inodes(collection, begin)
        while iterator.isValid {
            let id = try inodeID(at: iterator)
            guard budget.take(8) else { return (ids, id) }
            ids.append(id)
            iterator.next()
        }
        try state.check(iterator)
        return (ids, .null)
    }

    func visitTransientFiles(
        _ request: VisitTransientFilesRequest
    ) throws(ShardFailure) -> VisitTransientFilesResponse {
        var response = VisitTransientFilesResponse(nextId: .null, files: [])
        guard let identity = state.identity else { return response }
        var budget = PageBudget(mtu: request.mtu, fixedSize: 10)
        let iterator = inodes(.transientFiles, request.beginId)
        while iterator.isValid {
            let id = try inodeID(at: iterator)
            guard budget.take(24) else {
                response.nextId = id
                return response
            }
            let record: TransientFileRecord = try state.record(at: iterator)
            response.files.append(
                TransientFile(id: id, cookie: secrets.cookie(of: id, identity), deadlineTime: record.deadline))
            iterator.next()
        }
        try state.check(iterator)
        return response
    }

    private func inodes(_ collection: ShardKeys.Collection, _ begin: InodeID) -> any StoreIterator {
        let iterator = state.store.iterator(
            from: state.keys.inode(collection, begin), upTo: state.keys.end(of: collection))
        iterator.seekToFirst()
        return iterator
    }

    private func inodeID(at iterator: any StoreIterator) throws(ShardFailure) -> InodeID {
        let key = iterator.key
        guard key.count == 10 else { throw .state(.corruptRecord(key: key)) }
        return InodeID(rawValue: key.bigEndian(at: 2))
    }

    /// BLOCK_SERVICE_FILES: the files with blocks on a block service. The caller goes on after the last one until
    /// nothing comes.
    func blockServiceFiles(_ request: BlockServiceFilesRequest) throws(ShardFailure) -> BlockServiceFilesResponse {
        var budget = PageBudget(mtu: 0, fixedSize: 2)
        var response = BlockServiceFilesResponse(fileIds: [])
        let keys = state.keys
        let service = request.blockServiceId
        let iterator = state.store.iterator(
            from: keys.blockServiceFile(service, request.startFrom, 0), upTo: keys.blockServiceFilesEnd(service))
        iterator.seekToFirst()
        while iterator.isValid {
            let key = iterator.key
            guard key.count == 26 else { throw .state(.corruptRecord(key: key)) }
            let file = InodeID(rawValue: key.bigEndian(at: 10))
            guard budget.take(8) else { break }
            response.fileIds.append(file)
            // The file's further spans say nothing new.
            iterator.seek(keys.blockServiceFile(service, InodeID(rawValue: file.rawValue &+ 1), 0))
        }
        try state.check(iterator)
        return response
    }
}
