import CoordinatorCore
import Protocol

extension CdcService {
    /// How long transactions that are under way get to finish; what is left goes on at the next start.
    private static let graceNanoseconds: UInt64 = 2_000_000_000

    /// Takes no new requests, finishes the old ones, gives unused directory ids back, and leaves log and state in
    /// order.
    func stop(_ done: @escaping () -> Void) {
        isStopping = true
        watching?.cancel()
        loop.task { [clockWatch] in await clockWatch.close() }
        registry.stop()
        let deadline = loop.monotonicNanoseconds &+ Self.graceNanoseconds
        waitUntil(deadline, { [self] in coordinator.isIdle && heldEntries.isEmpty }) { [self] in
            coordinator.releaseUnusedDirectories()
            proposeLastEntries()
            let deadline = loop.monotonicNanoseconds &+ Self.graceNanoseconds
            waitUntil(deadline, { [self] in coordinator.isLogged && heldEntries.isEmpty }) { [self] in
                for socket in clientSockets { socket.close() }
                shardSocket.close()
                storage.close { [self] error in
                    if let error { logger.error("closing log and state: \(error)") }
                    done()
                }
            }
        }
    }

    private func proposeLastEntries() {
        guard let time = clock.now else {
            return logger.warning("the clock is not to be believed: the next start does what was left to be logged")
        }
        do throws(CoordinatorFailure) {
            propose(try coordinator.takeAllEntries(time: time))
        } catch {
            logger.error("\(error)")
        }
    }

    private func waitUntil(_ deadline: UInt64, _ condition: @escaping () -> Bool, _ then: @escaping () -> Void) {
        if condition() || loop.monotonicNanoseconds >= deadline { return then() }
        loop.timer(afterNanoseconds: 5_000_000) { [self] in waitUntil(deadline, condition, then) }
    }
}
