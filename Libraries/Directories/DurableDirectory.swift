import Glibc
import Mutations

/// Makes directories that are there after a power failure. Whoever makes one for data does it here: making what is in a
/// directory durable does nothing for the name of the directory itself, which is its parent's.
public enum DurableDirectory {
    /// Makes the directory at `path` if it is missing; what is above it must exist. Its name is durable then.
    public static func make(_ path: String, mode: mode_t) throws(DirectoryError) {
        _ = try isMade(path, mode)
        // Also when it was there: whoever made it may have died before this.
        try syncName(of: path)
    }

    /// The same, and makes what is missing above it.
    public static func makeWithParents(_ path: String, mode: mode_t) throws(DirectoryError) {
        var last: String?
        for directory in prefixes(of: path) {
            guard try isMade(directory, mode) else {
                last = directory
                continue
            }
            // Whoever made that one may have come no further. Those above it were durable before it was made.
            if let found = last { try syncName(of: found) }
            last = nil
            try syncName(of: directory)
        }
        if let found = last { try syncName(of: found) }
    }

    /// Makes the names in a directory durable.
    public static func sync(_ path: String) throws(DirectoryError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("sync", path) }
    }

    /// Makes the name of a file durable.
    public static func syncName(ofFile path: String) throws(DirectoryError) {
        let slash = path.lastIndex(of: "/")
        try sync(slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".")
    }

    /// The path and those above it, from the top.
    private static func prefixes(of path: String) -> [String] {
        var prefix = path.hasPrefix("/") ? "/" : ""
        return path.split(separator: "/").map { part in
            prefix += prefix.isEmpty || prefix == "/" ? String(part) : "/" + part
            return prefix
        }
    }

    /// False when something of that name is there.
    private static func isMade(_ path: String, _ mode: mode_t) throws(DirectoryError) -> Bool {
        if mkdir(path, mode) == 0 { return true }
        guard errno == EEXIST else { throw .last("create", path) }
        return false
    }

    private static func syncName(of directory: String) throws(DirectoryError) {
        guard !Mutation.newNamesAreNotSynced.isPlanted else { return }
        let parent = directory + "/.."
        // Where we may not write nobody like us has made a name, and we may have no right to look either.
        if faccessat(AT_FDCWD, parent, W_OK, AT_EACCESS) != 0, errno == EACCES || errno == EROFS { return }
        try sync(parent)
    }
}
