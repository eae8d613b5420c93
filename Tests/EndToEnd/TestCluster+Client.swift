import Client
import EventLoop
import Foundation
import Protocol
import Testing

extension TestCluster {
    /// Runs something with a client of the cluster, which has its key, on a loop of its own.
    @discardableResult
    func withClient<Outcome: Sendable>(
        _ body: @escaping @Sendable (Client) async throws -> Outcome
    ) throws -> Outcome {
        let registry = try sh("cat '\(directory)/run/registry.address'")
        let address = try SocketAddress.resolve(registry.trimmingCharacters(in: .whitespacesAndNewlines))
        let loop = try EventLoop()
        var options = ClientOptions()
        let key = try sh("cat '\(directory)/key'").trimmingCharacters(in: .whitespacesAndNewlines)
        options.clusterKey = ClusterKey(hexadecimal: key)
        var outcome: Result<Outcome, any Error>?
        loop.task { [options] in
            let client = try Client(loop: loop, registries: [address], options: options)
            try await client.start()
            let result = try await body(client)
            await client.close()
            return result
        } then: { result in
            outcome = result
            loop.stop()
        }
        loop.run()
        return try #require(outcome).get()
    }
}
