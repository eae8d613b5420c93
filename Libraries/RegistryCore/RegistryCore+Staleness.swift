import Protocol
import Store

/// The leader's memory of its own ticking; not replicated.
struct StalenessState {
    /// Until then silence is no evidence: the registry itself may have been away.
    var graceUntil = Timestamp(nanoseconds: 0)
    var lastTick: Timestamp?
}

/// Block services that no longer register become STALE (services.md A.7).
extension RegistryCore {
    /// To be called regularly by the leader, a few times per staleness delay. The first call, and any after a gap of
    /// half a delay or more (the process or the machine slept), begins a grace of one delay.
    ///
    /// - Returns: an entry to propose, or nil when there is nothing to mark; silence costs nothing.
    public func prepareStalenessTick(at now: Timestamp) throws(ProtocolError) -> [UInt8]? {
        let delay = configuration.stalenessDelayNanoseconds
        let isGap = staleness.lastTick.map { last in
            now.nanoseconds < last.nanoseconds || now.nanoseconds - last.nanoseconds >= max(delay / 2, 1)
        }
        if isGap ?? true { staleness.graceUntil = now.adding(delay) }
        staleness.lastTick = now
        guard now.nanoseconds >= staleness.graceUntil.nanoseconds,
            blockServices.values.contains(where: { $0.isSilent(for: delay, at: now) })
        else { return nil }
        return try entry(.markStale(delayNanoseconds: delay), at: now)
    }

    func markStale(
        olderThan delay: UInt64, at time: Timestamp, in batch: inout WriteBatch
    ) throws(RegistryCoreError) {
        for var row in blockServices.values where row.isSilent(for: delay, at: time) {
            row.setFlags(row.flags.union(.stale), at: time)
            try setBlockService(row, in: &batch)
        }
    }
}

extension FullBlockServiceInfo {
    /// Whether it should be in touch and has not been for `delay` nanoseconds.
    func isSilent(for delay: UInt64, at time: Timestamp) -> Bool {
        flags.isDisjoint(with: [.stale, .decommissioned]) && lastSeen.adding(delay) <= time
    }
}

extension Timestamp {
    /// Later by `nanoseconds`; the end of time at the latest.
    func adding(_ nanoseconds: UInt64) -> Timestamp {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return Timestamp(nanoseconds: overflow ? .max : sum)
    }

    /// Earlier by `nanoseconds`; the epoch at the earliest.
    func subtracting(_ nanoseconds: UInt64) -> Timestamp {
        let (difference, overflow) = self.nanoseconds.subtractingReportingOverflow(nanoseconds)
        return Timestamp(nanoseconds: overflow ? 0 : difference)
    }
}
