import CFUSE
import Glibc
import Protocol

/// What a SETATTR request wants to change, of what can be changed here. Mode and owner are not stored: programs that
/// preserve them (`cp -a`, `tar`, `rsync`) must succeed, so those are accepted and have no effect.
package struct AttributeChange: Sendable {
    package enum Time: Sendable {
        case now
        case at(Timestamp)
    }

    package var size: UInt64?
    package var modified: Time?
    package var accessed: Time?

    package init(_ stat: stat, _ flags: Int32) {
        if flags & FUSE_SET_ATTR_SIZE != 0 { size = UInt64(clamping: stat.st_size) }
        modified = Self.time(
            stat.st_mtim, isSet: flags & FUSE_SET_ATTR_MTIME != 0, isNow: flags & FUSE_SET_ATTR_MTIME_NOW != 0)
        accessed = Self.time(
            stat.st_atim, isSet: flags & FUSE_SET_ATTR_ATIME != 0, isNow: flags & FUSE_SET_ATTR_ATIME_NOW != 0)
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

extension AttributeChange.Time {
    package func timestamp(_ now: Timestamp) -> Timestamp {
        switch self {
        case .now: now
        case .at(let time): time
        }
    }
}
