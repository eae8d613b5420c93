import Glibc

/// Where a laptop cluster keeps what.
package struct ClusterPaths {
    let root: String

    /// Makes the directories that are missing, durably.
    package init(_ directory: String) throws(FileError) {
        try makeDirectories(directory)
        guard let resolved = realpath(directory, nil) else { throw FileError(path: directory, errnoValue: errno) }
        root = String(cString: resolved)
        free(resolved)
        for path in [logs, run, disks] { try makeDirectories(path) }
    }

    var layout: String { root + "/cluster" }
    var key: String { root + "/key" }
    var lock: String { root + "/lock" }
    var logs: String { root + "/log" }
    var run: String { root + "/run" }
    var disks: String { root + "/disks" }
    var mountPoint: String { root + "/mnt" }

    func data(of service: String) -> String { "\(root)/\(service)" }
    func log(of service: String) -> String { "\(logs)/\(service).log" }
    func pidFile(of service: String) -> String { "\(run)/\(service).pid" }
    func addressFile(of service: String) -> String { "\(run)/\(service).address" }

    /// The directory this program was started from; the services lie beside it.
    static func programs() throws(FileError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { throw FileError(path: "/proc/self/exe", errnoValue: errno) }
        let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }
}

/// Held while a cluster runs, so that two `sterna up` never serve one directory.
struct ClusterLock {
    struct Held: Error, CustomStringConvertible {
        let path: String
        var description: String { "another sterna up is running on this directory (it holds \(path))" }
    }

    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(path: path, errnoValue: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw Held(path: path)
        }
    }

    func release() { close(descriptor) }
}
