import BlockStore
import Client
import Daemon
import EventLoop
import Protocol

/// The whole service from start to end. Belongs to the loop.
final class BlockService {
    private let daemon: Daemon
    private let settings: BlockSettings
    private let server: BlockServer
    private let registry: RegistryConnection
    private var registrar: Registrar?
    private var upkeep: DiskUpkeep?
    private var disks: [ServedDisk] = []

    init(_ settings: BlockSettings, on daemon: Daemon) {
        self.settings = settings
        self.daemon = daemon
        server = BlockServer(settings, on: daemon)
        registry = RegistryConnection(on: daemon.loop, addresses: settings.registry, key: settings.keys.cluster)
    }

    /// Opens the disks, asks the registry what it knows of them, listens, registers, and then is ready.
    func start() {
        daemon.onShutdown { [self] done in stop(done) }
        openDisks { [self] in compareWithRegistry() }
    }

    private func stop(_ done: @escaping () -> Void) {
        registrar?.stop()
        upkeep?.stop()
        registry.close()
        server.end { [self] in
            guard !disks.isEmpty else { return done() }
            var waiting = disks.count
            for disk in disks {
                disk.queue.run(on: daemon.loop) { [disk = disk.disk] in
                    try disk.prepareForClosing()
                } then: { [logger = daemon.logger] result in
                    if case .failure(let error) = result { logger.warning("\(disk.announcedPath): \(error)") }
                    disk.queue.close()
                    waiting -= 1
                    if waiting == 0 { done() }
                }
            }
        }
    }

    // MARK: Disks

    /// Opens all disks at the same time: counting the blocks of a full one takes a while.
    private func openDisks(_ opened: @escaping () -> Void) {
        var waiting = settings.disks.count
        var results: [Int: ServedDisk] = [:]
        for (index, option) in settings.disks.enumerated() {
            let queue = DiskQueue(
                name: "disk-\(index)", threads: settings.threadsPerDisk, limit: settings.queueLength)
            queue.run(on: daemon.loop) { [logger = daemon.logger, options = settings.diskOptions] in
                let disk = try BlockDisk(opening: option.path, options: options)
                for notice in disk.notices { logger.warning("\(option.path): small blocks: \(notice)") }
                if let damage = disk.damage {
                    logger.error("\(option.path) takes no blocks and is not registered: \(damage)")
                }
                logger.info("\(option.path): block service \(disk.id), \(disk.blocks) blocks")
                return disk
            } then: { [self] result in
                switch result {
                case .success(let disk):
                    results[index] = ServedDisk(
                        disk, option, announcedPath: settings.announcedPath(option.path),
                        recentFiles: settings.recentFilesPerDisk, queue: queue,
                        health: DiskHealth(disk, logger: daemon.logger))
                case .failure(let error): daemon.fail(error)
                }
                waiting -= 1
                guard waiting == 0, results.count == settings.disks.count else { return }
                disks = settings.disks.indices.compactMap { results[$0] }
                opened()
            }
        }
    }

    // MARK: Registry

    private func compareWithRegistry() {
        registry.call(AllBlockServicesDeprecatedRequest()) { [self] result in
            switch result {
            case .success(let response):
                do {
                    try RegistryComparison.apply(response.blockServices, to: disks, logger: daemon.logger)
                    try serve()
                } catch {
                    daemon.fail(error)
                }
            case .failure(.closed): break  // shutting down
            case .failure(let error):
                daemon.logger.warning("the registry does not answer: \(error)")
                compareWithRegistry()
            }
        }
    }

    private func serve() throws {
        let addresses = try server.listen(serving: disks)
        let registrar = Registrar(
            disks, at: AddrsInfo(addresses), registry: registry, settings: settings, on: daemon)
        self.registrar = registrar
        let upkeep = DiskUpkeep(disks, on: daemon)
        self.upkeep = upkeep
        upkeep.start()
        registrar.start { [daemon] in daemon.ready(addresses) }
    }
}
