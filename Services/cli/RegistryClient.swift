import Client
import Daemon
import EventLoop
import Protocol

/// A short conversation with a registry, for commands.
struct RegistryClient {
    private let addresses: [SocketAddress]
    private let key: ClusterKey?

    /// - Parameter key: the cluster's, for what not everybody may ask for.
    init(_ endpoints: EndpointList, key: ClusterKey? = nil) throws {
        addresses = try endpoints.resolve()
        self.key = key
    }

    /// Runs `body` on a loop of its own and returns when it is done.
    func run<T: Sendable>(
        _ body: @escaping @Sendable (CommandRegistry) async throws -> T
    ) throws -> T {
        let loop = try EventLoop()
        let registry = CommandRegistry(loop: loop, addresses: addresses, key: key)
        var outcome: Result<T, any Error>?
        loop.task {
            try await body(registry)
        } then: { result in
            outcome = result
            loop.stop()
        }
        loop.run()
        guard let outcome else { throw BrokenOff() }
        return try outcome.get()
    }

    struct BrokenOff: Error, CustomStringConvertible {
        let description = "it was broken off"
    }
}

/// The registry of a command.
actor CommandRegistry {
    /// A person waits.
    static let patienceNanoseconds: UInt64 = 5_000_000_000

    nonisolated let loop: EventLoop
    nonisolated let addresses: [SocketAddress]
    nonisolated let key: ClusterKey?
    private let connection: RegistryConnection

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(loop: EventLoop, addresses: [SocketAddress], key: ClusterKey?) {
        self.loop = loop
        self.addresses = addresses
        self.key = key
        connection = RegistryConnection(on: loop, addresses: addresses, key: key)
    }

    func call<R: RegistryRPC>(
        _ request: R, patienceNanoseconds: UInt64 = CommandRegistry.patienceNanoseconds
    ) async throws -> R.Response {
        do {
            return try await connection.call(request, timeoutNanoseconds: patienceNanoseconds)
        } catch {
            throw ClientError(registry: error, "\(R.kind) at the registry")
        }
    }
}
