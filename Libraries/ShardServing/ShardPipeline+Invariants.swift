import Protocol

extension ShardPipeline {
    /// Reports what does not fit together of what is in flight: who is forgotten waits in vain, and who is remembered
    /// for ever is never served again. Takes time in proportion to what is in flight.
    package func checkInvariants(_ report: (String) -> Void) {
        var expected = core.appliedIndex
        for write in pendingWrites {
            expected = expected.next
            if write.index != expected { report("a write waits for entry \(write.index) and not \(expected)") }
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
