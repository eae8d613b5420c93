import Client
import Protocol

/// The files of one shard that have blocks on any of some block services: the shard's ascending lists merged, so that
/// each file comes once, with the number of services it is on.
struct ServiceFiles<Cluster: RepairCluster>: Sendable {
    private struct List: Sendable {
        let service: BlockServiceID
        var page: ArraySlice<InodeID> = []
        var next: InodeID? = .null
    }

    private let cluster: Cluster
    private let shard: ShardID
    private var lists: [List]
    /// Services of which at least one file came.
    private(set) var occupied: Set<BlockServiceID> = []

    init(cluster: Cluster, shard: ShardID, services: Set<BlockServiceID>) {
        self.cluster = cluster
        self.shard = shard
        lists = services.map { List(service: $0) }
    }

    /// The next file, and on how many of the services it is; nil after the last.
    mutating func next() async throws(ClientError) -> (file: InodeID, services: Int)? {
        for index in lists.indices where lists[index].page.isEmpty { try await refill(index) }
        guard let file = lists.compactMap(\.page.first).min(by: { $0.rawValue < $1.rawValue }) else { return nil }
        var services = 0
        for index in lists.indices where lists[index].page.first == file {
            lists[index].page.removeFirst()
            services += 1
        }
        return (file, services)
    }

    private mutating func refill(_ index: Int) async throws(ClientError) {
        guard let start = lists[index].next else { return }
        let files = try await cluster.call(
            BlockServiceFilesRequest(blockServiceId: lists[index].service, startFrom: start), shard: shard
        ).fileIds
        guard let last = files.last else {
            lists[index].next = nil
            return
        }
        guard files.allSatisfy({ $0.rawValue >= start.rawValue && $0.shard == shard }), last.rawValue < .max else {
            throw ClientError(.malformedAnswer, "BLOCK_SERVICE_FILES at shard \(shard)", "the list does not advance")
        }
        occupied.insert(lists[index].service)
        lists[index].page = files[...]
        // A shard's numbers are 256 apart, but a server may not care.
        lists[index].next = InodeID(rawValue: last.rawValue + 1)
    }
}
