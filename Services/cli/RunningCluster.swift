import Client
import ConsistencyCheck
import Daemon
import EventLoop
import Protocol

/// The cluster that `sterna fsck --registry` looks at.
struct RunningCluster {
    let registry: EndpointList
    let key: ClusterKey?
    let requestsPerSecond: UInt32

    /// Runs the whole check and returns when it is done.
    func check(blocks: Bool, facts: TemporaryFacts, output: FsckOutput) throws -> CheckSummary {
        let addresses: [SocketAddress]
        let loop: EventLoop
        do {
            addresses = try registry.resolve()
            loop = try EventLoop()
        } catch {
            throw CheckFailure("\(error)")
        }
        var outcome: Result<CheckSummary, any Error>?
        let (rate, key) = (requestsPerSecond, key)
        loop.task {
            try await Self.check(loop, addresses, key, rate, blocks, facts, output)
        } then: { result in
            outcome = result
            loop.stop()
        }
        loop.run()
        guard let outcome else { throw CheckFailure("the check was broken off") }
        return try outcome.get()
    }

    private static func check(
        _ loop: EventLoop, _ registries: [SocketAddress], _ key: ClusterKey?, _ rate: UInt32, _ blocks: Bool,
        _ facts: TemporaryFacts, _ output: FsckOutput
    ) async throws -> CheckSummary {
        do {
            var clientOptions = ClientOptions()
            clientOptions.clusterKey = key
            let client = try Client(loop: loop, registries: registries, options: clientOptions)
            try await client.start()
            var options = LiveCheck.Options()
            options.checksBlocks = blocks
            options.failureDomains = try await failureDomains(loop, registries)
            let cluster = PacedCluster(client: client, requestsPerSecond: rate)
            let check = LiveCheck(
                cluster: cluster, options: options, facts: facts, found: output.found, progress: output.progress)
            let summary = try await check.run()
            await client.close()
            return summary
        } catch let failure as CheckFailure {
            throw failure
        } catch {
            throw CheckFailure("\(error)")
        }
    }

    private static func failureDomains(
        _ loop: EventLoop, _ registries: [SocketAddress]
    ) async throws -> [BlockServiceID: FailureDomain] {
        let connection = RegistryConnection(on: loop, addresses: registries)
        defer { connection.close() }
        let services = try await connection.call(AllBlockServicesDeprecatedRequest()).blockServices
        return Dictionary(services.map { ($0.id, $0.failureDomain) }) { first, _ in first }
    }
}
