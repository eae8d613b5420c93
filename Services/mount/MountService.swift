import Client
import Daemon
import EventLoop
import Filesystem

/// The life of a mount: learn the cluster's addresses, mount, serve, unmount.
enum MountService {
    static func start(
        _ daemon: Daemon, registries: [SocketAddress], mountpoint: String, spool: String, source: String,
        options: MountOptions
    ) throws {
        let client = try Client(
            loop: daemon.loop, registries: registries, options: options.clientOptions(spool: spool))
        // On the loop that the counters are told on.
        daemon.counters.gauge("mount_requests_timed_out_total") {
            client.assumeIsolated { $0.core.transport.counters.timeouts }
        }
        let notifications = KernelNotifications()
        let device = MountDevice()
        let filesystem = Filesystem(
            client: client, creators: Programs(loop: daemon.loop, device: device), observer: notifications,
            options: options.filesystemOptions, logger: daemon.logger)
        daemon.counters.gauge("mount_losses_total") { UInt64(filesystem.assumeIsolated { $0.lossCount }) }
        daemon.counters.gauge("mount_known_nodes") { filesystem.assumeIsolated { UInt64($0.knownNodes) } }
        if let warning = CallerSight.warning { daemon.logger.warning("\(warning)") }
        let life = MountLife(daemon, filesystem, notifications, mountpoint, device, source: source, options)
        daemon.onShutdown { done in life.end(done) }
        life.begin()
    }
}

/// Confined to the daemon's loop.
private final class MountLife {
    private let daemon: Daemon
    private let filesystem: Filesystem
    private let notifications: KernelNotifications
    private let mountpoint: String
    private let device: MountDevice
    /// What lists of mounts show as the device.
    private let source: String
    private let options: MountOptions
    /// Outlives the session, which refers to it.
    private var mount: Mount?
    private var session: FuseSession?
    private var wasUnmounted = false
    private var isEnding = false

    init(
        _ daemon: Daemon, _ filesystem: Filesystem, _ notifications: KernelNotifications, _ mountpoint: String,
        _ device: MountDevice, source: String, _ options: MountOptions
    ) {
        self.daemon = daemon
        self.filesystem = filesystem
        self.notifications = notifications
        self.mountpoint = mountpoint
        self.device = device
        self.source = source
        self.options = options
    }

    func begin() {
        let filesystem = filesystem
        run({
            try await filesystem.client.start()
            try await filesystem.begin()
            return await filesystem.storesOwnership
        }) { [self] result in
            do {
                try mountNow(storesOwnership: result.get())
            } catch {
                daemon.fail(error)
            }
        }
    }

    private func mountNow(storesOwnership: Bool) throws {
        // Somebody has changed his mind while the cluster was looked for.
        guard !isEnding else { return }
        if options.permissions == .stored, !storesOwnership {
            daemon.logger.warning("owners and permissions are not stored: this cluster cannot keep them")
        }
        let mount = Mount(
            filesystem, on: daemon.loop, style: options.style, notifications: notifications,
            connection: FuseConnection(storesPermissions: storesOwnership))
        let kernel = options.kernelOptions(source: source, storesPermissions: storesOwnership)
        let session = try FuseSession(mount, at: mountpoint, kernel, counters: daemon.counters)
        (self.mount, self.session) = (mount, session)
        session.onEnd = { [self] in
            wasUnmounted = true
            daemon.shutDown("unmounted")
        }
        device.learn(mountedAt: mountpoint)
        MountPoint.raiseReadAhead(mountpoint, kibibytes: options.readAheadKib)
        if options.quietOnceReady { try DaemonLog.leaveStandardError() }
        daemon.ready()
    }

    /// First the mount point goes, so that no dead one is left whatever happens then; closes that are waited for are
    /// answered all the same. Then the files that are open, for as long as is reasonable.
    func end(_ done: @escaping () -> Void) {
        isEnding = true
        let (filesystem, mountpoint) = (filesystem, mountpoint)
        let (wasUnmounted, isMounted) = (wasUnmounted, session != nil)
        run({
            let isDetached = isMounted && !wasUnmounted ? await MountPoint.detach(mountpoint) : false
            await filesystem.endAll(afterLastRelease: wasUnmounted)
            await filesystem.client.close()
            return isDetached
        }) { [self] result in
            session?.close(isDetached: (try? result.get()) ?? false)
            session = nil
            done()
        }
    }

    /// Runs `body` as a task and then `then` back here.
    private func run<T: Sendable>(
        _ body: @escaping @Sendable () async throws -> T, _ then: @escaping (Result<T, any Error>) -> Void
    ) {
        daemon.loop.task(body, then: then)
    }
}
