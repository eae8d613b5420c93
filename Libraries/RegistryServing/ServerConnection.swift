import EventLoop
import Protocol
import RegistryCore
import Wire

/// One client's connection: requests are taken one at a time and answered in order (services.md A.3).
final class ServerConnection: AcceptedConnection {
    private enum Phase {
        /// Waiting for (the rest of) a request.
        case receiving
        /// A request is being worked on; nothing more is read.
        case working
        /// Its answer is on the way.
        case answering
    }

    private static let answerNanoseconds: UInt64 = 30_000_000_000
    private static let idleNanoseconds: UInt64 = 900_000_000_000

    private let connection: TCPConnection
    private unowned let server: RegistryServer
    private var phase = Phase.receiving
    /// Since when it has been in this phase, or waiting for the rest of this request, or for the first one.
    private(set) var since: UInt64
    private var hasRequested = false
    /// Received and not yet understood.
    private var received: [UInt8] = []
    private var isClosed = false
    /// What a proof has to answer.
    private var challenge: ChallengeResponse?
    /// The peer knows the cluster's key.
    private var isProven = false

    init(_ connection: TCPConnection, server: RegistryServer) {
        self.connection = connection
        self.server = server
        since = server.loop.monotonicNanoseconds
    }

    func start() {
        connection.onData = { [unowned self] in receive($0) }
        connection.onEnd = { [unowned self] _ in close() }
        connection.resumeReading()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        server.receivedBytesChanged(by: -received.count)
        received = []
        connection.close()
        server.isClosed(self)
    }

    /// Whether it has stood still for longer than anyone may. Work on a request takes as long as it takes.
    func hasExpired(at now: UInt64) -> Bool {
        let allowed =
            switch phase {
            case .receiving: isIdle ? Self.idleNanoseconds : server.requestNanoseconds
            case .working: UInt64.max
            case .answering: Self.answerNanoseconds
            }
        return now - since > allowed
    }

    var peer: SocketAddress { connection.peer }

    /// Between two requests.
    private var isIdle: Bool { received.isEmpty && hasRequested }

    /// A part of a request takes up memory.
    var isReceiving: Bool { !received.isEmpty }

    var isAnswering: Bool { phase == .answering }

    /// What it is worth when there are too many connections.
    var standing: ConnectionStanding {
        switch phase {
        case .receiving where isIdle: .idle(since: since)
        case .receiving where !hasRequested: .silent(since: since)
        case .receiving, .answering: .stalled(since: since)
        case .working: .busy
        }
    }

    // MARK: Requests

    private func receive(_ bytes: UnsafeRawBufferPointer) {
        if isIdle { since = server.loop.monotonicNanoseconds }
        received.append(contentsOf: bytes)
        server.receivedBytesChanged(by: bytes.count)
        takeRequest()
    }

    /// Takes the first request that has been received completely, if there is one and no other is being worked on.
    private func takeRequest() {
        guard !isClosed, phase == .receiving else { return }
        do throws(DecodeError) {
            guard let (request, size) = try Self.firstRequest(in: received) else { return }
            received.removeFirst(size)
            server.receivedBytesChanged(by: -size)
            hasRequested = true
            begin(request)
        } catch {
            server.hasRefused(self)
        }
    }

    private static func firstRequest(in bytes: [UInt8]) throws(DecodeError) -> (AnyRegistryRequest, size: Int)? {
        let result = bytes.withUnsafeBytes { (raw) -> Result<(AnyRegistryRequest, size: Int)?, DecodeError> in
            do throws(DecodeError) {
                return .success(
                    try RegistryFrame.firstRequest(in: raw, limit: RegistryServer.maximumRequestLength))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func begin(_ request: AnyRegistryRequest) {
        phase = .working
        server.requests.add()
        connection.pauseReading()
        switch request {
        case .challenge:
            let challenge = server.access.challenge()
            self.challenge = challenge
            answer(.success(.challenge(challenge)))
        case .prove(let request):
            answer(prove(request))
        case let request where server.access.allows(request.kind, isProven: isProven):
            server.pipeline.handle(request) { [self] reply in
                guard !isClosed else { return }
                guard let reply else { return close() }
                answer(server.access.visible(reply, isProven: isProven))
            }
        default:
            server.unproven.add()
            answer(.failure(.notAuthorised))
        }
    }

    private func prove(_ request: ProveRequest) -> RegistryCore.Reply {
        guard let challenge, server.access.accepts(request.proof, of: challenge) else {
            self.challenge = nil
            server.unproven.add()
            return .failure(.notAuthorised)
        }
        self.challenge = nil
        isProven = true
        return .success(.prove(ProveResponse()))
    }

    // MARK: Answers

    private func answer(_ reply: RegistryCore.Reply) {
        phase = .answering
        since = server.loop.monotonicNanoseconds
        let bytes: [UInt8]
        do throws(EncodeError) {
            bytes = try RegistryFrame.encoded(reply)
        } catch {
            // No table grows so large that its answer has no encoding (RegistryLimits).
            return server.hasRefused(self)
        }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
        memory.copyBytes(from: bytes)
        connection.write(UnsafeRawBufferPointer(memory)) { [self] error in
            server.unsentBytesChanged(by: -memory.count)
            memory.deallocate()
            if error == nil { answered() } else { close() }
        }
        server.unsentBytesChanged(by: memory.count)
    }

    private func answered() {
        guard !isClosed else { return }
        phase = .receiving
        since = server.loop.monotonicNanoseconds
        connection.resumeReading()
        takeRequest()
    }
}
