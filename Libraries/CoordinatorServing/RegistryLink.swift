import Client
import Consensus
import Daemon
import EventLoop
import Logging
import Protocol
import Replicas

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
    private let location: LocationID
    private let registration: ReplicaRegistration
    private var standing = GroupStanding.isUnknown
    private var isRefreshing = false
    private var lastRefresh: UInt64?
    private var refreshTimer: LoopTimer?
    private var registrationTimer: LoopTimer?
    private var retryTimer: LoopTimer?
    /// How often its standing has changed: answers to registrations of earlier ones are ignored.
    private var changes: UInt64 = 0
    private var diskReporter: TroubleReporter<ReportMetadataDiskRequest>?
    private var groupReporter: TroubleReporter<ReportGroupsRequest>?
    private var isStopped = false

    init(
        on loop: EventLoop, logger: Logger, registries: [SocketAddress], key: ClusterKey?, location: LocationID,
        slot: ReplicaSlot?, addresses: [SocketAddress]
    ) {
        self.loop = loop
        self.logger = logger
        connection = RegistryConnection(on: loop, addresses: registries, key: key)
        self.location = location
        registration = ReplicaRegistration(.coordinator, in: slot, location, at: AddrsInfo(addresses))
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

    /// Asks until it is known whether anybody has ever been the coordinator.
    func isServed(_ then: @escaping (Bool) -> Void) {
        connection.call(AllCdcRequest()) { [weak self] result in
            guard let self, !isStopped else { return }
            switch result {
            case .success(let response):
                then(response.replicas.contains { $0.locationId == self.location && $0.addrs.addr1.port != 0 })
            case .failure(let error):
                logger.warning("cannot ask the registry whether there has been a coordinator: \(error)")
                retryTimer = loop.timer(afterNanoseconds: Self.retryNanoseconds) { [weak self] in self?.isServed(then) }
            }
        }
    }

    /// Tells the registry while there is little room on the disk.
    func reportDisk(_ room: @escaping () throws(SystemError) -> DiskRoom) {
        diskReporter = TroubleReporter(connection, loop: loop) { [location, logger] in
            do throws(SystemError) {
                let room = try room()
                return ReportMetadataDiskRequest(
                    location: location, isCoordinator: true, shard: ShardID(rawValue: 0),
                    isFull: room.isFull,
                    freeBytes: room.freeBytes, wantedBytes: room.wantedBytes)
            } catch {
                logger.error("cannot tell how full the disk is: \(error)")
                return nil
            }
        }
    }

    /// Tells the registry while the coordinator's group stands still, or would with one more failure.
    func report(_ watch: GroupWatch, in slot: ReplicaSlot) {
        groupReporter = TroubleReporter(connection, loop: loop) { [location, loop] in
            ReportGroupsRequest(
                location: location, isCoordinator: true, shard: ShardID(rawValue: 0), replica: ReplicaID(slot),
                groups: watch.lasting(at: loop.monotonicNanoseconds) { _ in .coordinator })
        }
    }

    func stop() {
        isStopped = true
        diskReporter?.stop()
        groupReporter?.stop()
        refreshTimer?.cancel()
        registrationTimer?.cancel()
        retryTimer?.cancel()
        connection.close()
    }

    /// Tells the registry, from now on, where the coordinator is and whether it works here.
    func note(_ standing: GroupStanding) {
        guard standing != self.standing else { return }
        self.standing = standing
        changes += 1
        registrationTimer?.cancel()
        tell()
    }

    private func tell() {
        if let request = registration.request(standing) { tell(request) }
    }

    private func tell(_ registration: some RegistryRPC) {
        connection.call(registration) { [weak self, changes] result in
            guard let self, !isStopped, changes == self.changes else { return }
            switch result {
            case .success: told(nil)
            case .failure(let error): told(error)
            }
        }
    }

    private func told(_ failure: RegistryCallError?) {
        var pause = Self.periodNanoseconds
        if let failure {
            logger.warning("cannot register: \(failure)")
            pause = Self.retryNanoseconds
        } else {
            onRegistered?()
            onRegistered = nil
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
