import ArgumentParser
import Client
import Daemon
import EventLoop
import Glibc
import Protocol

/// `sterna status`: what the registry knows of a cluster.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the services, disks and space of a cluster.")

    /// A person waits for each of the three answers.
    private static let patienceNanoseconds: UInt64 = 3_000_000_000

    @Option(help: "Addresses of the registry: HOST:PORT, several separated by commas.")
    var registry: EndpointList

    func run() throws {
        let addresses = try registry.resolve()
        let loop = try EventLoop()
        let connection = RegistryConnection(on: loop, addresses: addresses)
        var cluster = ClusterStatus()
        var failure: RegistryCallError?
        func finish(_ error: RegistryCallError?) {
            failure = error
            connection.close()
            loop.stop()
        }
        let patience = Self.patienceNanoseconds
        connection.call(LocalShardsRequest(), timeoutNanoseconds: patience) { shards in
            guard case .success(let shards) = shards else { return finish(shards.failure) }
            cluster.shards = shards.shards
            connection.call(LocalCdcRequest(), timeoutNanoseconds: patience) { coordinator in
                guard case .success(let coordinator) = coordinator else { return finish(coordinator.failure) }
                cluster.coordinator = coordinator
                connection.call(AllBlockServicesDeprecatedRequest(), timeoutNanoseconds: patience) { disks in
                    guard case .success(let disks) = disks else { return finish(disks.failure) }
                    cluster.disks = disks.blockServices
                    finish(nil)
                }
            }
        }
        loop.run()
        if let failure { throw StatusFailure(registry: "\(registry)", cause: failure) }
        print(cluster.text(now: loop.wallClock()))
        if !cluster.isHealthy { throw ExitCode(1) }
    }

    struct StatusFailure: Error, CustomStringConvertible {
        let registry: String
        let cause: RegistryCallError
        var description: String { "the registry at \(registry) did not answer: \(cause)" }
    }
}

extension Result {
    /// The error, when it is one.
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
