import CUV
import Glibc

extension EventLoop {
    /// Time that only moves forward, from an arbitrary origin. Read anew at each call. Thread-safe.
    public var monotonicNanoseconds: UInt64 {
        uv_hrtime()
    }

    /// As `monotonicNanoseconds`, but goes on while the machine is suspended, as others' clocks do. Thread-safe.
    public var bootNanoseconds: UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_BOOTTIME, &now)
        return UInt64(max(0, now.tv_sec)) &* 1_000_000_000 &+ UInt64(max(0, now.tv_nsec))
    }

    /// Nanoseconds since the Unix epoch; may jump when somebody sets the clock. Thread-safe.
    public func wallClock() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(max(0, now.tv_sec)) &* 1_000_000_000 &+ UInt64(max(0, now.tv_nsec))
    }
}
