import Client
import Protocol

/// Asks the registry for its time, for a simulated process, in the rhythm in which the real `ClockWatch` does.
final class ClockQuestions {
    private unowned let machine: Machine
    private let endpoint: Endpoint
    /// The one under way.
    private var question: (id: UInt64, sent: UInt64)?
    private var rhythm = ClockRhythm()
    /// Counts the looks that were planned: only the last one takes place.
    private var look = 0

    /// - Parameter endpoint: that the answers come to.
    init(_ machine: Machine, from endpoint: Endpoint) {
        self.machine = machine
        self.endpoint = endpoint
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
        let timeout = ClockRhythm.timeoutNanoseconds
        if let question, now - question.sent < timeout { return lookAfter(question.sent + timeout - now) }
        question = nil
        guard rhythm.isDue(machine.clusterClock, at: now) else { return lookAtTheNext(now) }
        rhythm.asked(at: now)
        // Far from the ids of requests to shards.
        let id = machine.world.random.next() | 1 << 63
        question = (id, now)
        machine.network.send(
            Message(id: id, body: .registryRequest(.clock(ClockRequest()))), from: endpoint, to: .registry)
        lookAfter(timeout)
    }

    private func lookAtTheNext(_ now: UInt64) { lookAfter(rhythm.pause(machine.clusterClock, at: now)) }

    /// Whether `message` is about the time; it is taken notice of.
    func take(_ message: Message) -> Bool {
        guard case .registryAnswer(.success(.clock(let clock))) = message.body else { return false }
        guard let question, question.id == message.id else { return true }
        machine.clusterClock.learn(clock.time, sent: question.sent)
        self.question = nil
        lookAtTheNext(machine.world.now)
        return true
    }
}
