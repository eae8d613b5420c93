import Client
import Daemon
import EventLoop
import Protocol

/// A client of a cluster, for commands.
struct ClusterClient {
    private let addresses: [SocketAddress]
    private let key: ClusterKey?

    /// - Parameter key: the cluster's, for what not everybody may ask for.
    init(_ registry: EndpointList, key: ClusterKey? = nil) throws {
        addresses = try registry.resolve()
        self.key = key
    }

    /// Runs `body` on a loop of its own and returns when it is done.
    func run<T: Sendable>(_ body: @escaping @Sendable (Client) async throws -> T) throws -> T {
        let loop = try EventLoop()
        var options = ClientOptions()
        options.clusterKey = key
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
