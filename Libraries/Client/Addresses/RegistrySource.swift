import EventLoop
import Protocol

/// Asks the registry for the addresses of everything else.
actor RegistrySource: AddressSource {
    private let loop: any Loop
    private let connection: RegistryConnection

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(loop: any Loop, registries: [SocketAddress], key: ClusterKey?) {
        self.loop = loop
        connection = RegistryConnection(on: loop, addresses: registries, key: key)
    }

    func addresses() async throws(ClientError) -> ClusterAddresses {
        let shards = try await ask(LocalShardsRequest())
        let cdc = try await ask(LocalCdcRequest())
        guard let addresses = ClusterAddresses(shards: shards.shards.map(\.addrs), cdc: cdc.addrs) else {
            throw ClientError(.malformedAnswer, "LOCAL_SHARDS at the registry", "\(shards.shards.count) shards")
        }
        return addresses
    }

    func totals() async throws(ClientError) -> InfoResponse {
        try await ask(InfoRequest())
    }

    func blockServices() async throws(ClientError) -> [BlockServiceDeprecatedInfo] {
        try await ask(AllBlockServicesDeprecatedRequest()).blockServices
    }

    func extensions() async -> Set<ProtocolExtension>? {
        await withCheckedContinuation { continuation in
            connection.extensions { continuation.resume(returning: try? $0.get()) }
        }
    }

    func defaultOwnership() async throws(ClientError) -> DefaultOwnershipResponse {
        try await ask(DefaultOwnershipRequest())
    }

    func close() {
        connection.close()
    }

    private func ask<R: RegistryRPC>(_ request: R) async throws(ClientError) -> R.Response {
        do {
            return try await connection.call(request)
        } catch {
            throw ClientError(registry: error, "\(R.kind) at the registry")
        }
    }
}

extension ClientError {
    /// How a failed registry call is told to users of the client.
    public init(registry error: RegistryCallError, _ operation: String) {
        switch error {
        case .timedOut(let lastAttempt): self.init(.timeout, operation, lastAttempt)
        case .closed: self.init(.closed, operation)
        case .refused(let code): self.init(.refused(code), operation)
        case .malformed: self.init(.malformedAnswer, operation)
        case .unencodable: self.init(.invalidArgument, operation, "the request is too long")
        }
    }
}
