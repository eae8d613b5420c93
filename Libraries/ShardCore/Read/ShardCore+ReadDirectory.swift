import Protocol
import Store

extension ShardCore {
    /// READ_DIR (B.4): names of one hash never stand on two pages, so the hash is enough to go on with.
    ///
    /// Of names of one hash that do not fit into a page together (other versions let them be made) those that do are
    /// given out, and the next hash is the one after theirs: who deletes what is listed until nothing is listed comes
    /// to an end. FULL_READ_DIR, which goes on by name, shows them all.
    func readDirectory(_ request: ReadDirRequest) throws(ShardFailure) -> ReadDirResponse {
        _ = try liveDirectory(request.dirId)
        var budget = PageBudget(mtu: request.mtu, fixedSize: 10)
        var response = ReadDirResponse(nextHash: .zero, results: [])
        let iterator = state.store.iterator(
            from: state.keys.edges(request.dirId, current: true, from: request.startHash),
            upTo: state.keys.edgesEnd(request.dirId))
        iterator.seekToFirst()
        while iterator.isValid {
            let edge = try currentEdge(at: iterator)
            guard budget.take(edge.encodedSize) else {
                guard response.results.first?.nameHash != edge.nameHash else {
                    // Bit 63 of a hash is never set: after the highest one the listing is at its end.
                    response.nextHash = NameHash(rawValue: (edge.nameHash.rawValue + 1) & ~(1 << 63))
                    break
                }
                response.nextHash = edge.nameHash
                while response.results.last?.nameHash == edge.nameHash { response.results.removeLast() }
                break
            }
            response.results.append(edge)
            iterator.next()
        }
        try state.check(iterator)
        return response
    }

    private func currentEdge(at iterator: any StoreIterator) throws(ShardFailure) -> CurrentEdge {
        guard let key = EdgeKey(iterator.key), key.isCurrent else {
            throw .state(.corruptRecord(key: iterator.key))
        }
        let record: CurrentEdgeRecord = try state.record(at: iterator)
        return CurrentEdge(
            targetId: record.target.id, nameHash: key.nameHash, name: key.name, creationTime: record.creationTime)
    }
}
