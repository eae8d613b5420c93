import CFUSE
import Filesystem
import Glibc
import Protocol

extension AttributeChange {
    /// What a SETATTR request wants to change.
    /// - Throws: EINVAL for a time that cannot be kept.
    package init(_ stat: stat, _ flags: Int32) throws(FilesystemError) {
        self.init(
            size: flags & FUSE_SET_ATTR_SIZE != 0 ? UInt64(clamping: stat.st_size) : nil,
            modified: try Self.time(
                stat.st_mtim, isSet: flags & FUSE_SET_ATTR_MTIME != 0, isNow: flags & FUSE_SET_ATTR_MTIME_NOW != 0),
            accessed: try Self.time(
                stat.st_atim, isSet: flags & FUSE_SET_ATTR_ATIME != 0, isNow: flags & FUSE_SET_ATTR_ATIME_NOW != 0),
            mode: flags & FUSE_SET_ATTR_MODE != 0 ? UInt16(stat.st_mode) & Permissions.modeMask : nil,
            user: flags & FUSE_SET_ATTR_UID != 0 ? stat.st_uid : nil,
            group: flags & FUSE_SET_ATTR_GID != 0 ? stat.st_gid : nil)
        // The kernel means both bits with it, and libfuse has a name for one.
        clearsPrivileges = flags & FUSE_SET_ATTR_KILL_SUID != 0
    }

    /// Times before 1970 and after April 2262 are refused rather than bent: bit 63 means something else on the wire.
    private static func time(_ time: timespec, isSet: Bool, isNow: Bool) throws(FilesystemError) -> Time? {
        if isNow { return .now }
        guard isSet else { return nil }
        guard let seconds = UInt64(exactly: time.tv_sec), let rest = UInt64(exactly: time.tv_nsec) else {
            throw .invalid
        }
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow, nanoseconds < 1 << 63, nanoseconds + rest < 1 << 63 else { throw .invalid }
        return .at(Timestamp(nanoseconds: nanoseconds + rest))
    }
}
