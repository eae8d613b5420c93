import EventLoop
import Mutations
import Protocol

/// A client of one cluster: requests with repetition, the namespace, files.
///
/// Runs on one event loop: make it there, or before the loop runs. All functions may be called from anywhere; they are
/// cheapest from tasks on that loop (`loop.task { … }`). Nothing is cached about the namespace except directory
/// policies; mounts keep their own caches.
public actor Client {
    public nonisolated let loop: any Loop
    public nonisolated let options: ClientOptions
    package nonisolated let core: ClientCore
    let source: any AddressSource
    private static let longestExtensionsPauseNanoseconds: UInt64 = 24 * 3600 * 1_000_000_000
    private var refreshTimer: (any TimerHandle)?
    private var refreshing: Task<Void, Never>?
    private var lastRefreshNanoseconds: UInt64 = 0
    private var isClosed = false
    private var extensions: Set<ProtocolExtension> = []
    private var lastExtensionsNanoseconds: UInt64?
    private var extensionsPauseNanoseconds: UInt64
    var policies: PolicyCache
    var spares = SpareFiles()

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// A client of the cluster that these registries belong to. Make it on the loop's thread.
    public init(
        loop: EventLoop, registries: [SocketAddress], options: ClientOptions = ClientOptions()
    ) throws(ClientError) {
        let source = RegistrySource(loop: loop, registries: registries, key: options.clusterKey)
        try self.init(loop: loop, source: source, options: options)
    }

    /// For tests, which bring their own addresses.
    package init(
        loop: EventLoop, source: any AddressSource, options: ClientOptions = ClientOptions()
    ) throws(ClientError) {
        try self.init(ClientSurroundings(loop, options), source: source, options: options)
    }

    /// For the simulator, whose registry is asked in the usual way.
    package init(
        _ surroundings: ClientSurroundings, registries: [SocketAddress], options: ClientOptions
    ) throws(ClientError) {
        let source = RegistrySource(loop: surroundings.loop, registries: registries, key: options.clusterKey)
        try self.init(surroundings, source: source, options: options)
    }

    private init(
        _ surroundings: ClientSurroundings, source: any AddressSource, options: ClientOptions
    ) throws(ClientError) {
        loop = surroundings.loop
        self.options = options
        self.source = source
        extensionsPauseNanoseconds = options.extensionsNanoseconds
        policies = PolicyCache(lifetimeNanoseconds: options.policyLifetimeNanoseconds)
        do {
            core = try ClientCore(surroundings, options: options)
        } catch {
            throw ClientError(.unavailable, "start of the client", "\(error)")
        }
    }

    /// Learns the addresses of all services and keeps them fresh from then on.
    public func start() async throws(ClientError) {
        core.blocks.locate = { [weak self] in self?.locateBlockServices() }
        core.transport.onSilence = { [weak self] in self?.silenceNoticed() }
        try await refresh()
        let period = options.refreshNanoseconds
        refreshTimer = loop.timer(afterNanoseconds: period, repeatingNanoseconds: period) { [weak self] in
            self?.refreshLater()
        }
    }

    /// Fails whatever is under way and frees sockets and memory. Readers and writers are of no use afterwards.
    public func close() async {
        guard !isClosed else { return }
        isClosed = true
        refreshTimer?.cancel()
        refreshTimer = nil
        core.close()
        await source.close()
    }

    /// Totals of the cluster, for statfs.
    public func totals() async throws(ClientError) -> InfoResponse {
        try await source.totals()
    }

    /// All block services, as the registry knows them.
    package func blockServices() async throws(ClientError) -> [BlockServiceDeprecatedInfo] {
        try await source.blockServices()
    }

    // MARK: Addresses

    /// Asks the registry for the addresses now.
    public func refresh() async throws(ClientError) {
        let addresses = try await source.addresses()
        if core.transport.addresses == nil || !Mutation.addressesAreKept.isPlanted {
            core.transport.addresses = addresses
        }
        lastRefreshNanoseconds = loop.monotonicNanoseconds
        await refreshExtensions()
    }

    /// Whether the cluster's servers can do this; false while that is not known.
    public func supports(_ extension: ProtocolExtension) -> Bool {
        extensions.contains(`extension`)
    }

    /// Asks once, and again every now and then, because a cluster may be brought up to date under a running client. A
    /// registry that cannot be asked changes nothing.
    private func refreshExtensions() async {
        let now = loop.monotonicNanoseconds
        guard !options.isBaseProtocolOnly else { return }
        if let last = lastExtensionsNanoseconds, now &- last < extensionsPauseNanoseconds { return }
        guard let known = await source.extensions() else { return }
        extensions = known
        // To a registry that does not know the question it is an error, and a line in its log.
        let longest = max(options.extensionsNanoseconds, Self.longestExtensionsPauseNanoseconds)
        extensionsPauseNanoseconds =
            known.isEmpty ? min(extensionsPauseNanoseconds * 2, longest) : options.extensionsNanoseconds
        core.verifier.asksForSums = known.contains(.fetchPageSums)
        lastExtensionsNanoseconds = now
    }

    /// A block service does not listen where a shard says that it is.
    private nonisolated func locateBlockServices() {
        let source = assumeIsolated { $0.source }
        loop.task { () async throws -> [BlockServiceID: AddrsInfo] in
            let services = try await source.blockServices()
            return Dictionary(services.map { ($0.id, $0.addrs) }) { $1 }
        } then: { [core] result in
            // Without an answer the old addresses stay in force; the next refusal asks again.
            core.blocks.located(try? result.get())
        }
    }

    private nonisolated func silenceNoticed() {
        assumeIsolated { client in
            let quiet = client.loop.monotonicNanoseconds &- client.lastRefreshNanoseconds
            if quiet > 1_000_000_000 { client.startRefreshing() }
        }
    }

    private nonisolated func refreshLater() {
        assumeIsolated { client in
            client.startRefreshing()
            client.core.releaseIdleMemory()
        }
    }

    private func startRefreshing() {
        guard refreshing == nil, !isClosed else { return }
        lastRefreshNanoseconds = loop.monotonicNanoseconds
        refreshing = loop.task { [weak self] in
            // The old addresses stay in force when the registry does not answer; the next silence or minute tries
            // again.
            do throws(ClientError) { try await self?.refresh() } catch { await self?.refreshFailed(error) }
            await self?.refreshEnded()
        }
    }

    private func refreshEnded() {
        refreshing = nil
    }

    /// Why the addresses could not be refreshed last time; nil when they could.
    public private(set) var refreshError: ClientError?

    private func refreshFailed(_ error: ClientError) {
        refreshError = error
    }
}
