import EventLoop
import Glibc

/// What a daemon in the background writes to on its standard error, since nobody is there to read.
struct DaemonLog {
    /// For root. Others, who cannot write there, are told on the standard error of whoever called, and nobody is any more
    /// once the mount is there: that descriptor is not the daemon's to keep.
    static let usualPath = "/var/log/sterna-mount.log"

    let descriptor: Int32
    private let path: String?
    /// Whether it is only the caller's standard error.
    var isBorrowed: Bool { path == nil }
    private let start: off_t

    init(_ named: String?) throws(SystemError) {
        path = named ?? (geteuid() == 0 ? Self.usualPath : nil)
        guard let path else {
            (descriptor, start) = (STDERR_FILENO, 0)
            return
        }
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .last("open log file \(path)") }
        start = lseek(descriptor, 0, SEEK_END)
    }

    /// What this process says from now on nobody reads.
    static func leaveStandardError() throws(SystemError) {
        let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
        guard nowhere >= 0 else { throw .last("open /dev/null") }
        defer { close(nowhere) }
        guard dup2(nowhere, STDERR_FILENO) >= 0 else { throw .last("leave the caller's standard error") }
    }

    /// What was written since, if whoever called has not seen it; the end of it if that is long.
    var newText: String? {
        guard let path else { return nil }
        let reader = open(path, O_RDONLY | O_CLOEXEC)
        guard reader >= 0 else { return nil }
        defer { close(reader) }
        let end = lseek(reader, 0, SEEK_END)
        let begin = max(start, end - 4096)
        let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            count = max(0, pread(reader, buffer.baseAddress, buffer.count, begin))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
