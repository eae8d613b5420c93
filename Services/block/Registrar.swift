import Client
import Daemon
import EventLoop
import Protocol

/// Tells the registry about our disks: where they are, how full they are, and which one fails. Belongs to the loop.
final class Registrar {
    private let daemon: Daemon
    private let settings: BlockSettings
    private let registry: RegistryConnection
    private let disks: [ServedDisk]
    private let addresses: AddrsInfo
    private var timer: LoopTimer?
    private var errorTimer: LoopTimer?
    private var onRegistered: (() -> Void)?
    private var isStopped = false

    private static let second: UInt64 = 1_000_000_000
    /// The registry calls a service stale after 180 s without news.
    private static let periodNanoseconds = 60 * second
    private static let jitterNanoseconds = 30 * second
    private static let retryNanoseconds = second / 10
    /// How long a round waits for slow disks.
    private static let patienceNanoseconds = 5 * second
    /// A disk that has not answered for so long is left out and becomes stale.
    private static let freshNanoseconds = 150 * second

    init(
        _ disks: [ServedDisk], at addresses: AddrsInfo, registry: RegistryConnection, settings: BlockSettings,
        on daemon: Daemon
    ) {
        self.disks = disks
        self.addresses = addresses
        self.registry = registry
        self.settings = settings
        self.daemon = daemon
    }

    /// Registers now and then again and again; `onRegistered` is called after the first success.
    func start(_ onRegistered: @escaping () -> Void) {
        self.onRegistered = onRegistered
        let period = settings.errorLimits.periodNanoseconds
        errorTimer = daemon.loop.timer(afterNanoseconds: period, repeatingNanoseconds: period) { [unowned self] in
            reportFailingDisks()
        }
        refresh()
    }

    func stop() {
        isStopped = true
        timer?.cancel()
        errorTimer?.cancel()
    }

    // MARK: Rounds

    /// Asks all disks for their capacity at the same time, each on its own threads, and registers when all have
    /// answered or time is up.
    private func refresh() {
        guard !isStopped else { return }
        let now = daemon.loop.monotonicNanoseconds
        var waiting = disks.count
        var isOver = false
        let go = { [self] in
            guard !isOver else { return }
            isOver = true
            register()
        }
        timer = daemon.loop.timer(afterNanoseconds: Self.patienceNanoseconds, go)
        for disk in disks {
            disk.recent.dropRetired()
            disk.queue.run(on: daemon.loop) { [health = disk.health] in
                health.refresh(at: now)
            } then: { _ in
                waiting -= 1
                if waiting == 0 { go() }
            }
        }
    }

    private func register() {
        guard !isStopped else { return }
        timer?.cancel()
        let infos = registrations()
        guard !infos.isEmpty else { return next(after: Self.periodNanoseconds) }
        registry.call(RegisterBlockServicesRequest(blockServices: infos)) { [self] result in
            switch result {
            case .success:
                onRegistered?()
                onRegistered = nil
                next(after: Self.periodNanoseconds + UInt64.random(in: 0...Self.jitterNanoseconds))
            case .failure(let error):
                daemon.logger.warning("the registry did not take our block services: \(error)")
                next(after: Self.retryNanoseconds)
            }
        }
    }

    private func next(after nanoseconds: UInt64) {
        guard !isStopped else { return }
        timer = daemon.loop.timer(afterNanoseconds: nanoseconds) { [unowned self] in refresh() }
    }

    // MARK: Capacity

    private func registrations() -> [RegisterBlockServiceInfo] {
        let now = daemon.loop.monotonicNanoseconds
        let known = disks.compactMap { disk in
            disk.health.capacity(notOlderThan: Self.freshNanoseconds, at: now).map { (disk, $0) }
        }
        let sharing = Dictionary(grouping: known) { $0.1.filesystem }.mapValues { UInt64($0.count) }
        return known.map { disk, capacity in
            let sharers = sharing[capacity.filesystem] ?? 1
            let reserved = disk.disk.reserved(of: capacity)
            let available = capacity.available > reserved ? capacity.available - reserved : 0
            return RegisterBlockServiceInfo(
                id: disk.id, locationId: settings.location, addrs: addresses, storageClass: disk.storageClass,
                failureDomain: disk.failureDomain, secretKey: disk.disk.secretKey, flags: [], flagsMask: 0,
                capacityBytes: capacity.total / sharers, availableBytes: available / sharers,
                blocks: UInt64(disk.disk.blocks), path: Array(disk.announcedPath.utf8))
        }
    }

    // MARK: Errors

    /// Asks for the decommission of disks whose share of failed requests is too high (spec services B.3).
    private func reportFailingDisks() {
        for disk in disks where !disk.isDead && !disk.isGivenUp {
            let (requests, errors) = disk.health.takeCounts()
            guard settings.errorLimits.areExceeded(by: errors, of: requests) else { continue }
            let path = disk.announcedPath
            daemon.logger.error("\(path): \(errors) I/O errors in \(requests) requests, asking to decommission it")
            registry.call(DecommissionBlockServiceRequest(id: disk.id)) { [logger = daemon.logger] result in
                switch result {
                case .success:
                    disk.isGivenUp = true
                    logger.notice("\(path): decommissioned; it is still served until its blocks have moved")
                case .failure(let error): logger.error("\(path): not decommissioned: \(error)")
                }
            }
        }
    }
}
