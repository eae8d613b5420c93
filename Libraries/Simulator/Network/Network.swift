/// Carries messages between endpoints, as badly as the weather says.
final class Network {
    /// How bad the network is. Fractions in thousandths of all datagrams.
    struct Weather: Sendable {
        var lossPerMille = 0
        var duplicationPerMille = 0
        /// Held back for up to `longestDelay`.
        var latenessPerMille = 0
        var longestDelay: UInt64 = 0

        static let calm = Weather()
    }

    enum Fate: CustomStringConvertible {
        case arrives(after: UInt64)
        case lost
        case partitioned
        case nobodyThere

        var description: String {
            switch self {
            case .arrives(let delay): delay < 10_000_000 ? "ok" : "late by \(delay / 1_000_000) ms"
            case .lost: "lost"
            case .partitioned: "partition"
            case .nobodyThere: "nobody there"
            }
        }
    }

    var weather = Weather.calm
    private let world: World
    private var receivers: [Endpoint: (Message, Endpoint) -> Void] = [:]
    private var homes: [Endpoint: MachineID] = [:]
    /// Machines that only reach each other.
    private var island: Set<MachineID> = []
    /// Messages that have been sent and not arrived yet, besides those of replicas, of which there is no end.
    private(set) var clientMessages = 0

    /// One way through a healthy network.
    private static let ordinaryDelay: ClosedRange<UInt64> = 50_000...400_000

    init(_ world: World) { self.world = world }

    func attach(_ endpoint: Endpoint, of machine: MachineID, _ receive: @escaping (Message, Endpoint) -> Void) {
        receivers[endpoint] = receive
        homes[endpoint] = machine
    }

    func detach(_ endpoint: Endpoint) {
        receivers[endpoint] = nil
    }

    /// Cuts `machines` off from all others; nobody is cut off by an empty set.
    func isolate(_ machines: Set<MachineID>) {
        island = machines
    }

    /// - Returns: how many copies of it are under way.
    @discardableResult
    func send(_ message: Message, from sender: Endpoint, to receiver: Endpoint) -> Int {
        let copies = !message.isStream && world.random.perMille(weather.duplicationPerMille) ? 2 : 1
        if copies == 2 { world.faults.duplicated += 1 }
        for _ in 0..<copies { sendCopy(message, from: sender, to: receiver) }
        return copies
    }

    private func sendCopy(_ message: Message, from sender: Endpoint, to receiver: Endpoint) {
        if world.random.perMille(weather.lossPerMille) {
            world.faults.lost += 1
            return world.trace.record(at: world.now, .sent(message, sender, receiver, .lost))
        }
        guard !isCut(sender, receiver) else {
            world.faults.undelivered += 1
            return world.trace.record(at: world.now, .sent(message, sender, receiver, .partitioned))
        }
        let delay = delay(of: message)
        world.trace.record(at: world.now, .sent(message, sender, receiver, .arrives(after: delay)))
        let isOfClients = if case .peerFrame = message.body { false } else { true }
        if isOfClients { clientMessages += 1 }
        world.after(delay) { [unowned self] in
            if isOfClients { clientMessages -= 1 }
            deliver(message, from: sender, to: receiver)
        }
    }

    private func delay(of message: Message) -> UInt64 {
        let ordinary = UInt64.random(in: Self.ordinaryDelay, using: &world.random)
        guard !message.isStream, world.random.perMille(weather.latenessPerMille) else { return ordinary }
        world.faults.delayed += 1
        return ordinary + world.random.spread(1_000_000...max(weather.longestDelay, 1_000_000))
    }

    private func deliver(_ message: Message, from sender: Endpoint, to receiver: Endpoint) {
        world.trace.digest(world.now ^ message.tag)
        guard !isCut(sender, receiver) else {
            world.faults.undelivered += 1
            return world.trace.record(at: world.now, .sent(message, sender, receiver, .partitioned))
        }
        guard let receive = receivers[receiver] else {
            world.faults.undelivered += 1
            return world.trace.record(at: world.now, .sent(message, sender, receiver, .nobodyThere))
        }
        receive(message, sender)
    }

    private func isCut(_ one: Endpoint, _ other: Endpoint) -> Bool {
        guard !island.isEmpty, let left = homes[one], let right = homes[other] else { return false }
        return island.contains(left) != island.contains(right)
    }
}
