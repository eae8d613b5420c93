import EventLoop
import Protocol

/// A client's connection to the registry: makes messages of frames, and frames of messages. A message that gets lost
/// takes the connection with it, which shows after a while.
final class SimulatedStream: StreamConnection {
    var onData: ((UnsafeRawBufferPointer) -> Void)?
    var onEnd: ((TCPConnection.End) -> Void)?

    private let world: World
    private let send: (SimulatedStream, AnyRegistryRequest) -> Void
    /// The question that has no answer yet.
    private var question = 0
    private var isAsking = false

    /// How long it takes until a connection is found to be broken, nanoseconds.
    private static let detection: ClosedRange<UInt64> = 300_000_000...15_000_000_000

    /// - Parameter send: takes a request to the registry.
    init(_ world: World, send: @escaping (SimulatedStream, AnyRegistryRequest) -> Void) {
        self.world = world
        self.send = send
    }

    func resumeReading() {}

    func write(_ bytes: [UInt8]) {
        let request = bytes.withUnsafeBytes { bytes -> AnyRegistryRequest? in
            guard let (request, size) = try? RegistryFrame.firstRequest(in: bytes, limit: bytes.count),
                size == bytes.count
            else { return nil }
            return request
        }
        guard let request else { return world.find("a client sends the registry what nobody can read") }
        question += 1
        isAsking = true
        let mine = question
        send(self, request)
        world.after(world.random.spread(Self.detection)) { [weak self] in
            guard let self, isAsking, question == mine else { return }
            onEnd?(.failed(SystemError("receive from the registry", code: 104)))
        }
    }

    func close() {
        onData = nil
        onEnd = nil
    }

    /// Takes an answer from the network.
    func receive(_ answer: Result<AnyRegistryResponse, ProtocolError>) {
        guard isAsking else { return }
        isAsking = false
        do throws(EncodeError) {
            try RegistryFrame.encoded(answer).withUnsafeBytes { onData?($0) }
        } catch {
            world.find("an answer of the registry that cannot be written: \(error)")
        }
    }
}
