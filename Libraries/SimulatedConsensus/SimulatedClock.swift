import Consensus

/// The clock of one machine: begins somewhere, runs a little fast or slow, and stands still while a hypervisor does not
/// let the machine run.
struct SimulatedClock {
    /// How much it gains, in millionths.
    private var drift: Int64
    private var setAt: UInt64
    private var shown: UInt64
    private var isStopped = false

    init(showing shown: UInt64, drift: Int64, at now: UInt64) {
        self.shown = shown
        self.drift = drift
        setAt = now
    }

    /// What it shows at `now`, true nanoseconds.
    func read(at now: UInt64) -> BootInstant {
        guard !isStopped else { return BootInstant(nanoseconds: shown) }
        return BootInstant(nanoseconds: shown + (now - setAt) / 1000 * UInt64(1_000_000 + drift) / 1000)
    }

    /// A true time when it shows `instant` or a little more; `now` if it does already.
    func time(of instant: BootInstant, from now: UInt64) -> UInt64 {
        let present = read(at: now)
        guard instant > present else { return now }
        let span = min(instant.nanoseconds - present.nanoseconds, 1 << 50)
        return now + (span / 1000 + 1) * 1_000_000 / UInt64(1_000_000 + drift) * 1000 + 2000
    }

    /// It gains differently from now on, as clocks do when it gets warmer.
    mutating func change(drift: Int64, at now: UInt64) {
        set(at: now, isStopped: isStopped)
        self.drift = drift
    }

    mutating func stop(at now: UInt64) { set(at: now, isStopped: true) }

    mutating func resume(at now: UInt64) { set(at: now, isStopped: false) }

    private mutating func set(at now: UInt64, isStopped: Bool) {
        shown = read(at: now).nanoseconds
        setAt = now
        self.isStopped = isStopped
    }
}
