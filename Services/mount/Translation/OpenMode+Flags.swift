import Filesystem
import Glibc

extension OpenMode {
    /// Flags of open(2) that Glibc's module does not show.
    private static let noAccessTime: Int32 = 0o1000000

    /// From the flags of open(2).
    package init(flags: Int32) {
        let access = flags & O_ACCMODE
        self.init(
            reads: access != O_WRONLY, writes: access != O_RDONLY, appends: flags & O_APPEND != 0,
            truncates: flags & O_TRUNC != 0, isExclusive: flags & O_EXCL != 0,
            leavesAccessTime: flags & Self.noAccessTime != 0)
    }
}

/// Flags beside those of open(2) that callbacks find among them.
package enum OpenFlags {
    /// Whoever opens to truncate, or writes, takes the file its set-user-ID and set-group-ID bits and its capabilities
    /// by that (`KernelRequest.showKilling`). No flag of open(2) is there.
    package static let killsSetuid: UInt32 = 1 << 31
}
