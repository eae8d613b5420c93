import Protocol

/// When reading a file changes its access time.
public enum AccessTimes: String, CaseIterable, Sendable {
    /// As the kernel's relatime: when nobody has read it since it was written, or not for a day.
    case relatime
    case off

    private static let dayNanoseconds: UInt64 = 86_400_000_000_000

    /// Whether reading a file with these times now changes its access time.
    package func isDue(accessed: Timestamp, modified: Timestamp, now: Timestamp) -> Bool {
        guard self == .relatime else { return false }
        // A time to come, such as somebody set, is left alone unless the file is newer still.
        return accessed <= modified
            || now > accessed && now.nanoseconds - accessed.nanoseconds >= Self.dayNanoseconds
    }
}
