import Client
import Protocol

/// Asks the registry for its time whenever the real `ClockWatch` would, for a simulated process: every half minute, and
/// every second while the clocks do not agree or nothing is known.
final class ClockQuestions {
    private unowned let machine: Machine
    private let endpoint: Endpoint
    /// The one under way.
    private var question: (id: UInt64, sent: UInt64)?
    private var nextQuestion: UInt64 = 0
    /// Counts the looks that were planned: only the last one takes place.
    private var look = 0

    private static let lookPause: UInt64 = 1_000_000_000
    private static let askPause: UInt64 = 30_000_000_000
    private static let timeout: UInt64 = 5_000_000_000

    /// - Parameter endpoint: that the answers come to.
    init(_ machine: Machine, from endpoint: Endpoint) {
        self.machine = machine
        self.endpoint = endpoint
        // Looks take place every second; without a change of the clock there is nothing to see.
        machine.clock.onChange = { [weak self] in
            if let self { lookAfter(UInt64.random(in: 0...Self.lookPause, using: &self.machine.world.random)) }
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
        if let question, now - question.sent < Self.timeout { return lookAfter(question.sent + Self.timeout - now) }
        question = nil
        guard isPressing || now >= nextQuestion else { return lookAfter(nextQuestion - now) }
        nextQuestion = now + Self.askPause
        // Far from the ids of requests to shards.
        let id = machine.world.random.next() | 1 << 63
        question = (id, now)
        machine.network.send(
            Message(id: id, body: .registryRequest(.clock(ClockRequest()))), from: endpoint, to: .registry)
        lookAfter(Self.timeout)
    }

    private var isPressing: Bool { machine.clusterClock.isWrong || machine.clusterClock.isUnknown }

    /// Whether `message` is about the time; it is taken notice of.
    func take(_ message: Message) -> Bool {
        guard case .registryAnswer(.success(.clock(let clock))) = message.body else { return false }
        guard let question, question.id == message.id else { return true }
        machine.clusterClock.learn(clock.time, sent: question.sent)
        self.question = nil
        let pause = isPressing ? Self.lookPause : nextQuestion - machine.world.now
        lookAfter(pause)
        return true
    }
}
