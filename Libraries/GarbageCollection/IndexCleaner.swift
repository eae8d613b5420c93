import Client
import MaintenanceState
import Protocol

/// Drops the entries of a shard's index of files by block service that count no block any more (services.md D.4).
public struct IndexCleaner<Cluster: ClusterAccess>: Sendable {
    private let cluster: Cluster

    public init(cluster: Cluster) {
        self.cluster = cluster
    }

    /// Walks through one shard's index: from a place that `reached` was told of, or from the beginning.
    public func clean(
        _ shard: ShardID, from place: ShardPlace = .beginning, reached: (ShardPlace) -> Void = { _ in }
    ) async throws(ClientError) -> Tally {
        var tally = Tally()
        var service = BlockServiceID(rawValue: place.first)
        var file = InodeID(rawValue: place.second)
        repeat {
            let answer = try await cluster.call(
                RemoveZeroBlockServiceFilesRequest(startBlockService: service, startFile: file), shard: shard)
            tally.removedIndexEntries += Int(clamping: answer.removed)
            let advances =
                (answer.nextBlockService.rawValue, answer.nextFile.rawValue) > (service.rawValue, file.rawValue)
            (service, file) = (answer.nextBlockService, answer.nextFile)
            guard advances || isEnd(service, file) else {
                throw ClientError(.malformedAnswer, "REMOVE_ZERO_BLOCK_SERVICE_FILES", "the index does not advance")
            }
            if advances { reached(ShardPlace(service.rawValue, file.rawValue)) }
        } while !isEnd(service, file)
        return tally
    }

    private func isEnd(_ service: BlockServiceID, _ file: InodeID) -> Bool {
        service.rawValue == 0 && file.isNull
    }
}
