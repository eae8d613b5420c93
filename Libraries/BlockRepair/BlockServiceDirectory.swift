import Client
import EventLoop
import Protocol

/// All block services, as the registry knows them; asked again when what is known is too old.
package actor BlockServiceDirectory {
    private nonisolated let loop: any Loop
    private let registry: RegistryConnection
    private var known: [BlockServiceDeprecatedInfo] = []
    private var knownNanoseconds: UInt64?
    private var asking: Task<Result<[BlockServiceDeprecatedInfo], ClientError>, Never>?

    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    package init(loop: any Loop, registries: [SocketAddress], key: ClusterKey?) {
        self.loop = loop
        registry = RegistryConnection(on: loop, addresses: registries, key: key)
    }

    package func close() {
        registry.close()
    }

    /// Every block service there is or was, in no particular order.
    /// - Parameter age: what is known may be this old.
    package func services(
        notOlderThanNanoseconds age: UInt64 = 60_000_000_000
    ) async throws(ClientError) -> [BlockServiceDeprecatedInfo] {
        if let known = knownNanoseconds, loop.monotonicNanoseconds &- known < age { return self.known }
        let task = asking ?? loop.task { await self.ask() }
        asking = task
        return try await task.value.get()
    }

    private func ask() async -> Result<[BlockServiceDeprecatedInfo], ClientError> {
        defer { asking = nil }
        do throws(RegistryCallError) {
            known = try await registry.call(AllBlockServicesDeprecatedRequest()).blockServices
            knownNanoseconds = loop.monotonicNanoseconds
            return .success(known)
        } catch {
            return .failure(ClientError(registry: error, "ALL_BLOCK_SERVICES_DEPRECATED"))
        }
    }
}
