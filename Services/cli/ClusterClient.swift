import Client
import EventLoop
import Protocol

/// A client of a cluster, for commands.
struct ClusterClient {
    private let address: SocketAddress
    private let key: ClusterKey?

    /// - Parameters:
    ///   - registry: HOST:PORT.
    ///   - key: the cluster's, for what not everybody may ask for.
    init(_ registry: String, key: ClusterKey? = nil) throws {
        address = try SocketAddress.resolve(registry)
        self.key = key
    }

    /// Runs `body` on a loop of its own and returns when it is done.
    func run<T: Sendable>(_ body: @escaping @Sendable (Client) async throws -> T) throws -> T {
        let loop = try EventLoop()
        var options = ClientOptions()
        options.clusterKey = key
        let client = try Client(loop: loop, registries: [address], options: options)
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
