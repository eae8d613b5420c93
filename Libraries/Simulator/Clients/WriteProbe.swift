import Client
import Protocol

/// Writes to each shard once, to see whether it works.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class WriteProbe: @unchecked Sendable {
    private let client: SimulatedClient
    private(set) var isRunning = false
    private(set) var failures: [String] = []

    private static let bytes = 5000

    init(_ client: SimulatedClient) { self.client = client }

    func start(at shards: [ShardID]) {
        isRunning = true
        client.loop.task { [self] in
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
        let policies = try await client.client.writePolicies(of: .root)
        let pool = client.client.core.pool
        guard let buffer = pool.take(SpanEncoder.bufferBytes(policies)) else {
            throw ClientError(.noMemory, "a probe")
        }
        let filled = UnsafeMutableRawBufferPointer(start: buffer.base, count: Self.bytes)
        for index in filled.indices { filled[index] = UInt8(truncatingIfNeeded: index % 251) }
        guard
            let span = SpanEncoder.encode(
                buffer, filled: Self.bytes, logicalBytes: UInt32(Self.bytes), policies: policies, pool: pool)
        else { throw ClientError(.badPolicy, "a probe") }
        let file = try await client.client.construct(in: shard, note: Array("probe".utf8))
        try await client.client.store(span, in: file, at: 0)
        try await client.scrap(file)
    }
}
