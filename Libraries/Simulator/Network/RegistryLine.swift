import Protocol

/// What a simulated process asks the registry: of its replicas one after the other, until one answers.
final class RegistryLine {
    private struct Question {
        let request: AnyRegistryRequest
        let answer: (Result<AnyRegistryResponse, ProtocolError>?) -> Void
    }

    private unowned let machine: Machine
    private let replicas: Int
    private var slot = 0
    /// How many have hung up since the last answer.
    private var failures = 0
    private var lastID: UInt64 = 0
    private var underway: [UInt64: Question] = [:]

    private static let patience: UInt64 = 5_000_000_000
    /// Before somebody else is asked when one has hung up, and at most, when none answers.
    private static let pause: UInt64 = 20_000_000
    private static let longestPause: UInt64 = 1_000_000_000

    init(_ machine: Machine, replicas: Int) {
        self.machine = machine
        self.replicas = replicas
    }

    /// A new process begins.
    func start() {
        underway = [:]
        machine.network.attach(.registryUser(machine.id), of: machine.id) { [unowned self] message, sender in
            take(message, from: sender)
        }
    }

    func end() {
        underway = [:]
        machine.network.detach(.registryUser(machine.id))
    }

    /// - Parameter answer: is given nothing when there was no answer in time.
    func ask(
        _ request: AnyRegistryRequest, patience: UInt64 = patience,
        _ answer: @escaping (Result<AnyRegistryResponse, ProtocolError>?) -> Void
    ) {
        lastID += 1
        let id = lastID
        underway[id] = Question(request: request, answer: answer)
        send(id)
        machine.after(patience) { [unowned self] in
            guard let question = underway.removeValue(forKey: id) else { return }
            slot = (slot + 1) % replicas
            question.answer(nil)
        }
    }

    private func send(_ id: UInt64) {
        guard let question = underway[id] else { return }
        machine.network.send(
            Message(id: id, body: .registryRequest(question.request)), from: .registryUser(machine.id),
            to: .registry(slot))
    }

    private func take(_ message: Message, from sender: Endpoint) {
        switch message.body {
        case .registryAnswer(let result):
            failures = 0
            underway.removeValue(forKey: message.id)?.answer(result)
        case .registryHangUp:
            if sender == .registry(slot) {
                slot = (slot + 1) % replicas
                failures += 1
            }
            let pause = min(Self.pause << UInt64(min(failures / replicas, 6)), Self.longestPause)
            machine.after(pause) { [unowned self] in send(message.id) }
        default: break
        }
    }
}
