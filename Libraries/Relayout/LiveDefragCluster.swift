import Client
import EventLoop
import Protocol

/// A running cluster, at a limited rate of requests and of bytes.
public actor LiveDefragCluster: DefragCluster {
    private nonisolated let client: Client
    private nonisolated let pacer: Pacer
    private let bytesPerSecond: UInt64
    /// When the bytes moved so far are paid for.
    private var paidNanoseconds: UInt64 = 0

    public nonisolated var unownedExecutor: UnownedSerialExecutor { client.unownedExecutor }

    /// - Parameters:
    ///   - requestsPerSecond: for finding out what is to be done; at least 1.
    ///   - bytesPerSecond: of contents that are stored anew; 0: no limit.
    public init(client: Client, requestsPerSecond: UInt32, bytesPerSecond: UInt64) {
        self.client = client
        self.bytesPerSecond = bytesPerSecond
        pacer = Pacer(loop: client.loop, perSecond: requestsPerSecond)
    }

    public nonisolated func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
        await pacer.turn()
        return try await client.call(request, shard: shard)
    }

    public nonisolated func policies(of directory: InodeID) async throws(ClientError) -> WritePolicies {
        try await client.writePolicies(of: directory)
    }

    public func rewrite(
        _ span: FetchedSpan, of file: InodeID, _ policies: WritePolicies
    ) async throws(ClientError) -> SpanLayout? {
        await pace(span.header.size)
        return try await client.storeAnew(span, of: file, policies)
    }

    private func pace(_ bytes: UInt32) async {
        guard bytesPerSecond > 0 else { return }
        let now = client.loop.monotonicNanoseconds
        let begin = max(paidNanoseconds, now)
        paidNanoseconds = begin &+ UInt64(bytes) * 1_000_000_000 / bytesPerSecond
        if begin > now { await client.loop.sleep(nanoseconds: begin - now) }
    }
}
