import Glibc

/// The data of a stopped cluster below one directory, as `sterna up` lays it out. While this lives no service can start
/// on it.
final class ClusterDirectory {
    let path: String
    private var locks: [Int32] = []

    /// Takes the locks that running services hold.
    init(_ path: String) throws(CheckFailure) {
        self.path = path
        var status = Glibc.stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw CheckFailure("\(path) is not a directory")
        }
        guard Self.services.contains(where: { Self.exists(data(of: $0) + "/state") }) else {
            throw CheckFailure(
                "\(path) holds no cluster: none of \(Self.services.joined(separator: ", ")) has a state below it")
        }
        // Of `sterna up` itself, then of each service's state store; their logs are locked by whoever reads them.
        try lock(path + "/lock")
        for service in Self.services { try lockState(data(of: service) + "/state/LOCK") }
    }

    deinit {
        for lock in locks { close(lock) }
    }

    static let services = ["registry", "shard", "cdc"]

    func data(of service: String) -> String { "\(path)/\(service)" }

    func holds(_ service: String) -> Bool { Self.exists(data(of: service) + "/state") }

    var disks: String { path + "/disks" }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func running(_ path: String) -> CheckFailure {
        CheckFailure("the cluster is running (it holds \(path)): stop it first, or check it with --registry HOST:PORT")
    }

    private func lock(_ path: String) throws(CheckFailure) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return }
            throw CheckFailure("cannot open \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            throw Self.running(path)
        }
        locks.append(file)
    }

    /// RocksDB's lock is one of fcntl; a shared one keeps it from being taken.
    private func lockState(_ path: String) throws(CheckFailure) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return }
            throw CheckFailure("cannot open \(path): \(String(cString: strerror(errno)))")
        }
        var request = Glibc.flock()
        request.l_type = Int16(F_RDLCK)
        request.l_whence = Int16(SEEK_SET)
        guard fcntl(file, F_SETLK, &request) == 0 else {
            close(file)
            throw Self.running(path)
        }
        locks.append(file)
    }
}
