import Client
import Daemon
import EventLoop
import Logging
import Protocol

/// What the coordinator has to do with the registry: tell where it is, learn where the shards are. Confined to its
/// loop.
final class RegistryLink {
    private static let periodNanoseconds: UInt64 = 60_000_000_000
    private static let retryNanoseconds: UInt64 = 500_000_000
    /// Shards may register after us: how often to look for the missing ones, and how often at all on demand.
    private static let missingNanoseconds: UInt64 = 200_000_000

    /// Called once, when it is known whether shards know the base protocol only.
    var onAbilities: ((_ isBaseProtocolOnly: Bool) -> Void)?
    /// Called once, after the first registration.
    var onRegistered: (() -> Void)?
    var shards = ShardAddresses()

    private let loop: EventLoop
    private let logger: Logger
    private let connection: RegistryConnection
    private let registration: RegisterCdcRequest
    private var isRefreshing = false
    private var lastRefresh: UInt64?
    private var refreshTimer: LoopTimer?
    private var registrationTimer: LoopTimer?
    private var retryTimer: LoopTimer?
    /// Of those that this replica has begun or ended to lead: answers to registrations of earlier ones are ignored.
    private var leadership: UInt64 = 0
    private var diskReporter: MetadataDiskReporter?
    private var isStopped = false

    init(
        on loop: EventLoop, logger: Logger, registries: [SocketAddress], key: ClusterKey?, location: LocationID,
        replica: ReplicaID, addresses: [SocketAddress]
    ) {
        self.loop = loop
        self.logger = logger
        connection = RegistryConnection(on: loop, addresses: registries, key: key)
        registration = RegisterCdcRequest(
            replica: replica, location: location, isLeader: true, addrs: AddrsInfo(addresses))
    }

    /// - Parameter isBaseProtocolOnly: if that is known already.
    func start(isBaseProtocolOnly: Bool?) {
        if let isBaseProtocolOnly { return abilitiesKnown(isBaseProtocolOnly) }
        connection.extensions { [weak self] result in
            guard let self, !isStopped else { return }
            let failure: RegistryCallError
            switch result {
            case .success(let known): return abilitiesKnown(known.isEmpty)
            case .failure(let error): failure = error
            }
            logger.warning("cannot learn from the registry what the shards know: \(failure)")
            retryTimer = loop.timer(afterNanoseconds: Self.retryNanoseconds) { [weak self] in
                self?.start(isBaseProtocolOnly: nil)
            }
        }
    }

    private func abilitiesKnown(_ isBaseProtocolOnly: Bool) {
        onAbilities?(isBaseProtocolOnly)
        onAbilities = nil
        refresh()
    }

    /// Tells the registry while there is little room on the disk.
    func reportDisk(_ room: @escaping () throws(SystemError) -> DiskRoom) {
        diskReporter = MetadataDiskReporter(connection, loop: loop) { [registration, logger] in
            do throws(SystemError) {
                let room = try room()
                return ReportMetadataDiskRequest(
                    location: registration.location, isCoordinator: true, shard: ShardID(rawValue: 0),
                    isFull: room.isFull,
                    freeBytes: room.freeBytes, wantedBytes: room.wantedBytes)
            } catch {
                logger.error("cannot tell how full the disk is: \(error)")
                return nil
            }
        }
    }

    func stop() {
        isStopped = true
        diskReporter?.stop()
        refreshTimer?.cancel()
        registrationTimer?.cancel()
        retryTimer?.cancel()
        connection.close()
    }

    /// Tells the registry, now and then, where the coordinator is, which works from now on.
    func register() {
        stopRegistering()
        tell()
    }

    /// The coordinator works elsewhere, and is registered from there.
    func stopRegistering() {
        leadership += 1
        registrationTimer?.cancel()
    }

    private func tell() {
        connection.call(registration) { [weak self, leadership] result in self?.told(result, leadership) }
    }

    private func told(_ result: Result<RegisterCdcResponse, RegistryCallError>, _ leadership: UInt64) {
        guard !isStopped, leadership == self.leadership else { return }
        var pause = Self.periodNanoseconds
        switch result {
        case .success:
            onRegistered?()
            onRegistered = nil
        case .failure(let error):
            logger.warning("cannot register: \(error)")
            pause = Self.retryNanoseconds
        }
        registrationTimer = loop.timer(afterNanoseconds: pause) { [weak self] in self?.tell() }
    }

    /// Somebody misses a shard or gets no answer from one: look soon, but not more often than makes sense.
    func refreshShards() {
        guard !isRefreshing, !isStopped else { return }
        let now = loop.monotonicNanoseconds
        if let lastRefresh, now &- lastRefresh < Self.missingNanoseconds { return }
        refreshTimer?.cancel()
        refresh()
    }

    private func refresh() {
        isRefreshing = true
        lastRefresh = loop.monotonicNanoseconds
        connection.call(LocalShardsRequest()) { [weak self] result in self?.refreshed(result) }
    }

    private func refreshed(_ result: Result<LocalShardsResponse, RegistryCallError>) {
        isRefreshing = false
        guard !isStopped else { return }
        switch result {
        case .success(let response): shards.update(response.shards)
        case .failure(let error): logger.warning("cannot learn where the shards are: \(error)")
        }
        let pause = shards.unknownCount == 0 ? Self.periodNanoseconds : Self.missingNanoseconds
        refreshTimer = loop.timer(afterNanoseconds: pause) { [weak self] in self?.refresh() }
    }
}
