import CFUSE
import Filesystem
import Glibc
import Protocol

extension AttributeChange {
    /// What a SETATTR request wants to change, of what can be changed here. Mode and owner are not stored: programs
    /// that preserve them (`cp -a`, `tar`, `rsync`) must succeed, so those are accepted and have no effect.
    package init(_ stat: stat, _ flags: Int32) {
        self.init(
            size: flags & FUSE_SET_ATTR_SIZE != 0 ? UInt64(clamping: stat.st_size) : nil,
            modified: Self.time(
                stat.st_mtim, isSet: flags & FUSE_SET_ATTR_MTIME != 0, isNow: flags & FUSE_SET_ATTR_MTIME_NOW != 0),
            accessed: Self.time(
                stat.st_atim, isSet: flags & FUSE_SET_ATTR_ATIME != 0, isNow: flags & FUSE_SET_ATTR_ATIME_NOW != 0))
    }

    /// Times before 1970 cannot be stored; they become 1970.
    private static func time(_ time: timespec, isSet: Bool, isNow: Bool) -> Time? {
        if isNow { return .now }
        guard isSet else { return nil }
        let seconds = UInt64(clamping: time.tv_sec)
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        // Bit 63 means "set this one" on the wire.
        guard !overflow, nanoseconds < 1 << 63 else { return .at(Timestamp(nanoseconds: 1 << 63 - 1)) }
        return .at(Timestamp(nanoseconds: min(nanoseconds + UInt64(clamping: time.tv_nsec), 1 << 63 - 1)))
    }
}
