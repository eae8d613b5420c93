import ArgumentParser
import Client
import Daemon
import EventLoop
import Protocol

/// `sterna blockservices`: every disk, and what may be done with it.
struct BlockServices: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blockservices", abstract: "List the block services (disks) of a cluster.",
        discussion: """
            FILES says whether any file has a block there; the registry asks the shards once a minute. A disk may be pulled \
            when it is decommissioned and FILES is "no".
            """)

    @Option(help: "Addresses of the registry: HOST:PORT, several separated by commas.")
    var registry: EndpointList

    @Flag(help: "One line per block service with tabs in between, and numbers in bytes.")
    var raw = false

    func run() throws {
        let services = try RegistryClient(registry).run { connection in
            try await connection.call(AllBlockServicesDeprecatedRequest()).blockServices
        }
        let list = BlockServiceList(services: services)
        print(raw ? list.raw : list.text)
    }
}
