import Client
import Protocol

/// Writes to each shard once, to see whether it works.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class WriteProbe: @unchecked Sendable {
    private let client: SimulatedClient
    private(set) var isRunning = false
    private(set) var failures: [String] = []

    init(_ client: SimulatedClient) { self.client = client }

    func start(at shards: [ShardID]) {
        isRunning = true
        client.world.spawn { [self] in
            for shard in shards {
                do throws(ClientError) {
                    try await write(to: shard)
                } catch {
                    failures.append("shard \(shard) takes no data after the trouble: \(error)")
                }
            }
            isRunning = false
        }
    }

    private func write(to shard: ShardID) async throws(ClientError) {
        let file = try await client.construct(in: shard, "probe")
        let span = FileContents.blockSpan(at: 0, &client.world.random)
        let blocks = try await client.call(
            AddSpanInitiateRequest(span, of: file, blacklist: []), shard: shard
        ).blocks
        if let failed = try await client.write(blocks, span.cells, to: file, at: 0) {
            throw ClientError(.cannotPlaceSpan(last: .blockTransfer), "a block at \(failed)")
        }
        try await client.scrap(file)
    }
}
