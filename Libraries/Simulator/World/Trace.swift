import Protocol

/// The last things that happened, for whoever has to understand a failure; and a number that two runs share only if
/// they were the same.
final class Trace {
    enum Event {
        case sent(Message, Endpoint, Endpoint, Network.Fate)
        case note(String)
        case finding(String)
    }

    private let capacity: Int
    private var events: [(time: UInt64, event: Event)] = []
    private var next = 0
    private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325

    init(capacity: Int) { self.capacity = capacity }

    var isEnabled: Bool { capacity > 0 }

    func record(at time: UInt64, _ event: Event) {
        guard capacity > 0 else { return }
        if events.count < capacity {
            events.append((time, event))
        } else {
            events[next] = (time, event)
            next = (next + 1) % capacity
        }
    }

    /// Mixes `value` into the run's digest (FNV-1a, a word at a time).
    func digest(_ value: UInt64) { digest = (digest ^ value) &* 0x100_0000_01b3 }

    /// One line for each event, oldest first.
    var lines: [String] {
        (events[next...] + events[..<next]).map { time, event in
            let milliseconds = String((Double(time) / 1e6 * 1000).rounded() / 1000)
            return "\(milliseconds) ms  \(Self.text(of: event))"
        }
    }

    private static func text(of event: Event) -> String {
        switch event {
        case .sent(let message, let from, let to, let fate): "\(from) -> \(to)  \(message)  [\(fate)]"
        case .note(let text): text
        case .finding(let text): "FOUND: \(text)"
        }
    }
}
