import Metrics

/// How many requests of each kind the kernel has sent: `mount_requests_getxattr_total` and the like. Kinds that never
/// came have no counter.
struct RequestCounters {
    private let counters: Counters
    private var known = [Counter?](repeating: nil, count: names.count)

    init(_ counters: Counters) {
        self.counters = counters
    }

    mutating func count(_ kind: UInt32) {
        let index = Int(kind) < Self.names.count ? Int(kind) : 0
        let counter = known[index] ?? counters.counter("mount_requests_\(Self.names[index])_total")
        known[index] = counter
        counter.add()
    }

    /// By the opcodes of `linux/fuse.h`; those that it has not are `other`.
    private static let names = [
        "other", "lookup", "forget", "getattr", "setattr", "readlink", "symlink", "other", "mknod", "mkdir", "unlink",
        "rmdir", "rename", "link", "open", "read", "write", "statfs", "release", "other", "fsync", "setxattr",
        "getxattr", "listxattr", "removexattr", "flush", "init", "opendir", "readdir", "releasedir", "fsyncdir",
        "getlk", "setlk", "setlkw", "access", "create", "interrupt", "bmap", "destroy", "ioctl", "poll",
        "notify_reply", "batch_forget", "fallocate", "readdirplus", "rename2", "lseek", "copy_file_range",
        "setupmapping", "removemapping", "syncfs", "tmpfile", "statx",
    ]
}
