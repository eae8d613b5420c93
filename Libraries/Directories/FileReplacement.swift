import Glibc

/// Replaces small files whole: whoever reads one, whenever, finds the contents before or those after, never a part.
public enum FileReplacement {
    /// What a power failure may do to a file that was replaced.
    public enum Durability: Sendable {
        /// Nothing: the new contents are there from the return on.
        case durable
        /// Take it back, or leave it empty. For files that are of no use after a restart.
        case volatile
    }

    /// - Parameter mode: of the new file, if there is none; less the umask.
    public static func replace(
        _ path: String, with bytes: [UInt8], mode: mode_t = 0o644, _ durability: Durability = .durable
    ) throws(DirectoryError) {
        let temporary = path + ".new"
        // One that was left behind may belong to somebody else, or be readable to all.
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard file >= 0 else { throw .last("create", temporary) }
        defer { close(file) }
        do throws(DirectoryError) {
            try write(bytes, to: file, at: temporary)
            if durability == .durable, fsync(file) != 0 { throw .last("sync", temporary) }
            guard rename(temporary, path) == 0 else { throw .last("replace", path) }
        } catch {
            unlink(temporary)
            throw error
        }
        // A rename alone does not make the name durable.
        if durability == .durable { try DurableDirectory.syncName(ofFile: path) }
    }

    private static func write(_ bytes: [UInt8], to file: Int32, at path: String) throws(DirectoryError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress.map { $0 + done }, $0.count - done) }
            guard count > 0 || (count < 0 && errno == EINTR) else { throw .last("write", path) }
            done += max(count, 0)
        }
    }
}
