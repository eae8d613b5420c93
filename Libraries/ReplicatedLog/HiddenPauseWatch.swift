import Consensus
import Mutations

/// Notices that a machine may have stood still without its clock knowing: a hypervisor that pauses it stops all of its
/// clocks, and the wall clock is put right afterwards. Then no lease counts on this machine's clock (design R2). Somebody
/// who sets the wall clock forwards looks the same; that costs reads one heartbeat.
struct HiddenPauseWatch {
    /// Leases leave 5 ms for clocks of different rates; that much may go unnoticed twice within one of them.
    private static let tolerance: UInt64 = 2_000_000
    /// As long as promises: what went before concerns no lease any more. A wall clock that is being corrected slowly is
    /// off by less.
    private static let span = Settings().promise

    private var reference: (boot: BootInstant, wall: UInt64)?

    /// Whether the wall clock has run further than the other since the last look but one.
    ///
    /// - Parameter wall: nanoseconds since the epoch, read after `boot`.
    mutating func notices(at boot: BootInstant, wall: UInt64) -> Bool {
        guard !Mutation.hiddenPausesPass.isPlanted, let reference else {
            reference = (boot, wall)
            return false
        }
        let passed = boot.nanoseconds - min(reference.boot.nanoseconds, boot.nanoseconds)
        let isAhead = wall > reference.wall && wall - reference.wall > passed + Self.tolerance
        if isAhead || boot >= reference.boot + Self.span || wall < reference.wall { self.reference = (boot, wall) }
        return isAhead
    }
}
