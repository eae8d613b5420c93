import Client
import Protocol

/// Asks the registry for its time, for a simulated process, in the rhythm in which the real `ClockWatch` does.
final class ClockQuestions {
    private unowned let machine: Machine
    private var isAsking = false
    private var rhythm = ClockRhythm()
    /// Counts the looks that were planned: only the last one takes place.
    private var look = 0

    init(_ machine: Machine) {
        self.machine = machine
        // Looks take place every second; without a change of the clock there is nothing to see.
        machine.clock.onChange = { [weak self] in
            guard let self else { return }
            lookAfter(UInt64.random(in: 0...ClockRhythm.lookNanoseconds, using: &machine.world.random))
        }
        lookAfter(0)
    }

    private func lookAfter(_ pause: UInt64) {
        look += 1
        let mine = look
        machine.after(pause) { [weak self] in
            if let self, look == mine { lookNow() }
        }
    }

    private func lookNow() {
        let now = machine.world.now
        guard !isAsking else { return }
        guard rhythm.isDue(machine.clusterClock, at: now) else { return lookAtTheNext(now) }
        rhythm.asked(at: now)
        isAsking = true
        let request = AnyRegistryRequest.clock(ClockRequest())
        machine.registry.ask(request, patience: ClockRhythm.timeoutNanoseconds) { [weak self] answer in
            self?.answered(answer, sent: now)
        }
    }

    private func answered(_ answer: Result<AnyRegistryResponse, ProtocolError>?, sent: UInt64) {
        isAsking = false
        guard case .success(.clock(let clock))? = answer else { return lookNow() }
        machine.clusterClock.learn(clock.time, sent: sent)
        lookAtTheNext(machine.world.now)
    }

    private func lookAtTheNext(_ now: UInt64) { lookAfter(rhythm.pause(machine.clusterClock, at: now)) }
}
