import Client
import EventLoop
import Protocol

/// A short conversation with a registry, for commands.
struct RegistryClient {
    private let name: String
    private let address: SocketAddress

    private let key: ClusterKey?

    /// - Parameters:
    ///   - name: HOST:PORT.
    ///   - key: the cluster's, for what not everybody may ask for.
    init(_ name: String, key: ClusterKey? = nil) throws {
        self.name = name
        self.key = key
        address = try SocketAddress.resolve(name)
    }

    /// Runs `body` on a loop of its own and returns when it is done.
    func run<T: Sendable>(
        _ body: @escaping @Sendable (CommandRegistry) async throws -> T
    ) throws -> T {
        let loop = try EventLoop()
        let registry = CommandRegistry(loop: loop, address: address, key: key)
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
    private static let patienceNanoseconds: UInt64 = 5_000_000_000

    nonisolated let loop: EventLoop
    nonisolated let address: SocketAddress
    nonisolated let key: ClusterKey?
    private let connection: RegistryConnection

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(loop: EventLoop, address: SocketAddress, key: ClusterKey?) {
        self.loop = loop
        self.address = address
        self.key = key
        connection = RegistryConnection(on: loop, addresses: [address], key: key)
    }

    func call<R: RegistryRPC>(_ request: R) async throws -> R.Response {
        do {
            return try await connection.call(request, timeoutNanoseconds: Self.patienceNanoseconds)
        } catch {
            throw ClientError(registry: error, "\(R.kind) at the registry \(address)")
        }
    }
}
