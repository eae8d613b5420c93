import Client
import Daemon
import EventLoop
import Protocol

/// A client of a cluster, for commands.
struct ClusterClient {
    private let addresses: [SocketAddress]
    private var options = ClientOptions()

    /// - Parameters:
    ///   - key: the cluster's, for what not everybody may ask for.
    ///   - patienceNanoseconds: for what shards and coordinator are asked; nil: as long as programs have.
    init(_ registry: EndpointList, key: ClusterKey? = nil, patienceNanoseconds: UInt64? = nil) throws {
        addresses = try registry.resolve()
        options.clusterKey = key
        guard let patienceNanoseconds else { return }
        options.shardTiming.overallNanoseconds = patienceNanoseconds
        options.cdcTiming.overallNanoseconds = patienceNanoseconds
    }

    /// Runs `body` on a loop of its own and returns when it is done.
    func run<T: Sendable>(_ body: @escaping @Sendable (Client) async throws -> T) throws -> T {
        let loop = try EventLoop()
        let client = try Client(loop: loop, registries: addresses, options: options)
        var outcome: Result<T, any Error>?
        loop.task {
            try await client.start()
            let answer = try await body(client)
            await client.close()
            return answer
        } then: { result in
            outcome = result
            loop.stop()
        }
        loop.run()
        guard let outcome else { throw RegistryClient.BrokenOff() }
        return try outcome.get()
    }
}
