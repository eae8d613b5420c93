import EventLoop
import Glibc

/// Where changes lie that do not fit into memory.
package enum SpoolDirectory {
    /// - Parameter named: what the user says; nil: the first usual place that can be used.
    package static func choose(_ named: String?, mountpoint: String) throws(SystemError) -> String {
        if let named { return try resolve(named, mountpoint: mountpoint) }
        let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? ""
        for place in [temporary, "/var/tmp"] where !place.isEmpty {
            if let usable = try? resolve(place, mountpoint: mountpoint) { return usable }
        }
        return try resolve("/tmp", mountpoint: mountpoint)
    }

    /// Makes sure that files can be made in a directory, and that it is on no mount of a cluster: a mount whose spool
    /// lay on itself would wait for itself.
    /// - Returns: its path without symbolic links.
    static func resolve(_ path: String, mountpoint: String) throws(SystemError) -> String {
        let doing = "use \(path) as a spool directory"
        guard let resolved = realpath(path, nil) else { throw .last(doing) }
        defer { free(resolved) }
        let directory = String(cString: resolved)
        var found = stat()
        guard stat(directory, &found) == 0 else { throw .last(doing) }
        guard found.st_mode & S_IFMT == S_IFDIR else { throw SystemError(doing, code: ENOTDIR) }
        guard access(directory, W_OK | X_OK) == 0 else { throw .last(doing) }
        guard !isOnMount(directory, found.st_dev, mountpoint) else {
            throw SystemError("\(doing), which is on a mount of a cluster", code: ELOOP)
        }
        return directory
    }

    private static func isOnMount(_ directory: String, _ device: dev_t, _ mountpoint: String) -> Bool {
        if let place = realpath(mountpoint, nil) {
            defer { free(place) }
            // The mount will hide it.
            let covered = String(cString: place)
            if directory == covered || directory.hasPrefix(covered == "/" ? covered : covered + "/") { return true }
        }
        return MountTable.read()?.type(ofDevice: MountTable.name(of: device)) == "fuse.sterna"
    }
}
