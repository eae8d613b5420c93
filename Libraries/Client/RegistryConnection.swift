import EventLoop
import Protocol

/// A connection to the registry that looks after itself (wire-protocol.md 4).
///
/// Calls wait in line: one request is on its way at a time. The connection is made when the first call needs it, kept
/// while it lasts, and made anew, at the next address in turn, when a registry closes it, which is how one that is not
/// the leader answers. A call is repeated that way until its time is up; repeating is harmless for all requests but
/// CREATE_LOCATION, which fails as closed instead. So does EXTENSIONS, whose answer a closed connection is. With the
/// cluster's key, each new connection proves it before anything else.
///
/// Belongs to its loop: everything, completions included, happens there. Costs nothing while idle.
public final class RegistryConnection {
    /// Ten seconds: what the registry's other clients give a request.
    public static let defaultTimeoutNanoseconds: UInt64 = 10_000_000_000

    /// Where registries are, tried in turn. A change takes effect with the next connection.
    public var addresses: [SocketAddress]

    let loop: any Loop
    private let key: ClusterKey?
    var provesKey: Bool { key != nil }
    /// Whether EXTENSIONS has ever been answered: closed connections do not mean that it is unknown then.
    var hasToldExtensions = false
    private var waiting: [RegistryCall] = []
    private var link = Link.none
    private var addressIndex = 0
    private var failuresInTurn = 0
    private var isClosed = false
    /// Ends the wait for an answer of this registry, where there are others.
    private var silence: (any TimerHandle)?

    /// How long a registry may say nothing before the next one is asked; twice as long each time.
    private static let silenceNanoseconds: UInt64 = 3_000_000_000

    /// The state of the transport.
    private enum Link {
        /// No connection and none being made.
        case none
        /// Being made; the number tells a late completion from the present attempt.
        case connecting(attempt: Int)
        /// All addresses failed: nothing until the timer fires.
        case pausing(any TimerHandle)
        /// Made, and being proven to belong to the cluster's own programs.
        case proving(RegistryExchange)
        case ready(RegistryExchange)
    }
    private var attempts = 0

    /// - Parameter key: the cluster's, for requests that are not everybody's.
    public init(on loop: any Loop, addresses: [SocketAddress], key: ClusterKey? = nil) {
        self.loop = loop
        self.key = key
        self.addresses = addresses
    }

    deinit { dropLink() }

    /// Sends `request`. `completion` comes exactly once, on the loop, never before this returns.
    public func call<Request: RegistryRPC>(
        _ request: Request, timeoutNanoseconds: UInt64 = defaultTimeoutNanoseconds,
        _ completion: @escaping (Result<Request.Response, RegistryCallError>) -> Void
    ) {
        let call = RegistryCall(request, completion)
        guard !isClosed, call.isEncodable else {
            let error: RegistryCallError = isClosed ? .closed : .unencodable
            loop.timer(afterNanoseconds: 0) { call.finish(.failure(error)) }
            return
        }
        // The timers keep the connection alive while a call waits.
        call.deadline = loop.timer(afterNanoseconds: timeoutNanoseconds) { [self] in expire(call) }
        waiting.append(call)
        loop.timer(afterNanoseconds: 0) { [self] in advance() }
    }

    /// Sends `request` and waits. Must be called on the loop, from an actor or task that runs there, and returns there.
    nonisolated(nonsending) public func call<Request: RegistryRPC>(
        _ request: Request, timeoutNanoseconds: UInt64 = defaultTimeoutNanoseconds
    ) async throws(RegistryCallError) -> Request.Response {
        let result = await withCheckedContinuation { continuation in
            call(request, timeoutNanoseconds: timeoutNanoseconds) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Ends the connection; waiting calls fail as closed. Idempotent.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        dropLink()
        let calls = waiting
        waiting = []
        for call in calls { call.finish(.failure(.closed)) }
    }

    // MARK: Moving on

    /// Does whatever brings the first waiting call nearer to its answer.
    private func advance() {
        guard !isClosed, let call = waiting.first else { return }
        switch link {
        case .none: connect()
        case .connecting, .pausing, .proving: return
        case .ready(let exchange):
            guard !exchange.isBusy else { return }
            exchange.send(call.frame) { [weak self] reply in self?.received(reply, for: call) }
            if call.isRepeatable { watchSilence() }
        }
    }

    /// A machine may be there that hears and is not heard, or whose answers nobody gets.
    private func watchSilence() {
        silence?.cancel()
        guard addresses.count > 1 else { return }
        let patience = Self.silenceNanoseconds << UInt64(min(failuresInTurn, 4))
        silence = loop.timer(afterNanoseconds: patience) { [weak self] in self?.lost("it does not answer") }
    }

    private func connect() {
        guard !addresses.isEmpty else { return retryLater("no registry address is known") }
        attempts += 1
        let attempt = attempts
        link = .connecting(attempt: attempt)
        let address = addresses[addressIndex % addresses.count]
        loop.connect(to: address) { [weak self] result in
            self?.connected(result, attempt: attempt)
        }
    }

    private func connected(_ result: Result<any StreamConnection, SystemError>, attempt: Int) {
        guard case .connecting(attempt) = link, !isClosed else {
            if case .success(let connection) = result { connection.close() }
            return
        }
        switch result {
        case .success(let connection):
            let exchange = RegistryExchange(connection) { [weak self] reason in self?.lost(reason) }
            guard let key else {
                link = .ready(exchange)
                return advance()
            }
            link = .proving(exchange)
            prove(key, on: exchange)
            watchSilence()
        case .failure(let error):
            link = .none
            tryNextAddress(after: error.description)
        }
    }

    private func prove(_ key: ClusterKey, on exchange: RegistryExchange) {
        let proof = RegistryProof(key) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success:
                link = .ready(exchange)
            case .failure(let error):
                dropLink()
                guard let call = waiting.first else { return }
                remove(call)
                call.finish(.failure(error))
            }
            advance()
        }
        proof.begin(on: exchange)
    }

    /// An answer, or what came instead of one.
    private func received(_ reply: Result<RegistryExchange.Reply, RegistryCallError>, for call: RegistryCall) {
        failuresInTurn = 0
        silence?.cancel()
        remove(call)
        if case .failure = reply { dropLink() }
        call.finish(reply)
        advance()
    }

    /// The connection ended without an answer to the present call, or while idle.
    private func lost(_ reason: String) {
        let wasProving = if case .proving = link { true } else { false }
        let wasBusy = if case .ready(let exchange) = link { exchange.isBusy } else { wasProving }
        dropLink()
        guard wasBusy, let call = waiting.first else { return advance() }
        if wasProving { return tryNextAddress(after: "\(reason) when the cluster's key was to be proven to it") }
        if !call.isRepeatable {
            remove(call)
            call.finish(.failure(.closed))
        }
        tryNextAddress(after: reason)
    }

    private func tryNextAddress(after reason: String) {
        addressIndex = (addressIndex + 1) % max(addresses.count, 1)
        failuresInTurn += 1
        if failuresInTurn % max(addresses.count, 1) == 0 {
            retryLater(reason)
        } else {
            waiting.first?.lastAttempt = reason
            advance()
        }
    }

    /// All addresses failed: 20 ms, then longer, up to 1 s.
    private func retryLater(_ reason: String) {
        waiting.first?.lastAttempt = reason
        let rounds = failuresInTurn / max(addresses.count, 1)
        let pause: UInt64 = min(20_000_000 << UInt64(min(rounds, 6)), 1_000_000_000)
        link = .pausing(
            loop.timer(afterNanoseconds: pause) { [weak self] in
                self?.link = .none
                self?.advance()
            })
    }

    private func expire(_ call: RegistryCall) {
        // Its answer may still come: the connection cannot be used for another question. And who does not come to the
        // end of a proof may never do so.
        switch link {
        case .ready(let exchange) where exchange.isBusy && waiting.first === call: leaveAddress()
        case .proving where waiting.first === call: leaveAddress()
        default: break
        }
        remove(call)
        call.finish(.failure(.timedOut(lastAttempt: call.lastAttempt)))
        advance()
    }

    private func leaveAddress() {
        dropLink()
        addressIndex = (addressIndex + 1) % max(addresses.count, 1)
    }

    private func remove(_ call: RegistryCall) {
        waiting.removeAll { $0 === call }
    }

    private func dropLink() {
        silence?.cancel()
        silence = nil
        switch link {
        case .none, .connecting: break
        case .pausing(let timer): timer.cancel()
        case .proving(let exchange), .ready(let exchange): exchange.close()
        }
        link = .none
    }
}
