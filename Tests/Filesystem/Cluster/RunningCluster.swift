import EventLoop
import Glibc
import TestSupport

/// A cluster of real processes without a mount, as `sterna up` starts it.
final class RunningCluster: Sendable {
    private let directory: TemporaryDirectory
    private let supervisor: pid_t
    let registry: SocketAddress

    /// The one of the suite that is running.
    @TaskLocal static var current: RunningCluster?

    /// Starts it and waits until it is ready.
    init() throws {
        directory = try TemporaryDirectory("filesystem")
        let path = directory.path
        supervisor = try Self.start([
            "sterna", "up", path, "--no-mount", "--ready-file", path + "/ready", "--policy", "rs:2,1",
            "--block-services", "4",
        ])
        var status: Int32 = 0
        let pid = supervisor
        let isReady = happens { access(path + "/ready", F_OK) == 0 || waitpid(pid, &status, WNOHANG) == pid }
        guard isReady, let registry = Self.line(path + "/run/registry.address").flatMap(SocketAddress.init(parsing:))
        else {
            kill(supervisor, SIGKILL)
            throw POSIXFailure("start a cluster", code: ETIMEDOUT)
        }
        self.registry = registry
    }

    /// A running service: registry, shard, cdc or block.
    func pid(of service: String) throws -> pid_t {
        guard let pid = Self.line("\(directory.path)/run/\(service).pid").flatMap(pid_t.init) else {
            throw POSIXFailure("find \(service)", code: ESRCH)
        }
        return pid
    }

    /// Ends it and waits until it has ended.
    func stop() {
        kill(supervisor, SIGINT)
        var status: Int32 = 0
        waitpid(supervisor, &status, 0)
    }

    /// `sterna owner`
    func giveTo(uid: UInt32, gid: UInt32) throws {
        let child = try Self.start([
            "sterna", "owner", "--registry", "\(registry)", "--key-file", directory.path + "/key", "--uid",
            "\(uid)", "--gid", "\(gid)",
        ])
        var status: Int32 = 0
        guard waitpid(child, &status, 0) == child, status == 0 else {
            throw POSIXFailure("run sterna owner", code: EIO)
        }
    }

    private static func start(_ words: [String]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor: Int32 in 0...2 {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A thread of Dispatch blocks signals that the cluster must get.
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var started = pid_t()
        let code = posix_spawn(&started, try builtProgram(words[0]), &actions, &attributes, &arguments, environ)
        guard code == 0 else { throw POSIXFailure("start \(words[0])", code: code) }
        return started
    }

    private static func line(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 100)
        guard fgets(&buffer, Int32(buffer.count), file) != nil else { return nil }
        let text = buffer.prefix { $0 != 0 && $0 != CChar(UInt8(ascii: "\n")) }
        return String(decoding: text.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
