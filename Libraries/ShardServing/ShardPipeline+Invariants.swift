import Protocol

extension ShardPipeline {
    /// Reports what does not fit together of what is in flight: who is forgotten waits in vain, and who is remembered
    /// for ever is never served again. Takes time in proportion to what is in flight.
    package func checkInvariants(_ report: (String) -> Void) {
        // Among those of several replicas are entries that say who belongs to the group.
        let isAlone = log.configuration.slots.count == 1
        var last = core.appliedIndex
        for write in pendingWrites {
            let follows = isAlone ? write.index == last.next : write.index > last
            if !follows { report("a write waits for entry \(write.index), the one before is \(last)") }
            last = write.index
        }
        let awaited = Set(pendingWrites.compactMap { $0.source?.identity })
        if !awaited.isSubset(of: inFlight) { report("a request in the log is not known to be in flight") }
        if inFlight.count != awaited.count + snapshotCount {
            report("\(inFlight.count) requests are in flight, \(awaited.count) of them in the log")
        }
        let byHost = Dictionary(pendingWrites.compactMap { $0.host.map { ($0, 1) } }, uniquingKeysWith: +)
        if byHost != writesByHost {
            report("writes in the log by host are \(byHost), remembered are \(writesByHost)")
        }
    }
}
