import ArgumentParser
import Client
import EventLoop
import Glibc
import Protocol

/// `sterna status`: what the registry knows of a cluster.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the services, disks and space of a cluster.")

    @Option(help: "Address of the registry, HOST:PORT.")
    var registry: String

    func run() throws {
        let address = try SocketAddress.resolve(registry)
        let loop = try EventLoop()
        let connection = RegistryConnection(on: loop, addresses: [address])
        var cluster = ClusterStatus()
        var failure: RegistryCallError?
        func finish(_ error: RegistryCallError?) {
            failure = error
            connection.close()
            loop.stop()
        }
        connection.call(LocalShardsRequest()) { shards in
            connection.call(LocalCdcRequest()) { coordinator in
                connection.call(AllBlockServicesDeprecatedRequest()) { disks in
                    do throws(RegistryCallError) {
                        cluster.shards = try shards.get().shards
                        cluster.coordinator = try coordinator.get()
                        cluster.disks = try disks.get().blockServices
                        finish(nil)
                    } catch {
                        finish(error)
                    }
                }
            }
        }
        loop.run()
        if let failure { throw StatusFailure(registry: registry, cause: failure) }
        print(cluster.text(now: loop.wallClock()))
        if !cluster.isHealthy { throw ExitCode(1) }
    }

    struct StatusFailure: Error, CustomStringConvertible {
        let registry: String
        let cause: RegistryCallError
        var description: String { "the registry at \(registry) did not answer: \(cause)" }
    }
}
