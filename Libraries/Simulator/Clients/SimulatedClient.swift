import Client
import Protocol

/// A client's machine: sends requests, repeats them as real clients do, and matches answers.
///
/// `@unchecked Sendable`: confined to the simulation's thread, where its tasks run as well.
final class SimulatedClient: @unchecked Sendable {
    /// How a request ended, and how often it was sent.
    struct Outcome<Response> {
        let result: Result<Response, ClientError>
        let attempts: Int
        /// How many copies of the request there ever were.
        let copies: Int

        func map<Other>(_ transform: (Response) -> Other) -> Outcome<Other> {
            Outcome<Other>(result: result.map(transform), attempts: attempts, copies: copies)
        }
    }

    private enum Answer {
        case message(Message.Body)
        case timeout
    }

    /// How a request ended, before its answer was looked at.
    private struct Ending {
        let answer: Answer
        let attempts: Int
        let copies: Int

        func outcome<Response>(_ result: Result<Response, ClientError>) -> Outcome<Response> {
            Outcome(result: result, attempts: attempts, copies: copies)
        }
    }

    /// A request under way.
    private struct Pending {
        let message: Message
        let receiver: Endpoint
        let timing: RetryTiming
        let begun: UInt64
        var attempts = 0
        var copies = 0
        let ended: (Ending) -> Void

        func end(_ answer: Answer) { ended(Ending(answer: answer, attempts: attempts, copies: copies)) }
    }

    let number: Int
    let cluster: SimulatedCluster
    let world: World
    var clockOffset: Int64 = 0
    /// Of the file that it published last.
    var lastNumber = InodeID.null
    /// Files that it has made ahead, and when.
    var spares: [(file: TransientInode, made: UInt64)] = []
    private var pending: [UInt64: Pending] = [:]
    private var nextID: UInt64

    /// Repetition of what goes over a stream: a connection that broke is made again.
    private static let streamTiming = RetryTiming(
        initialNanoseconds: 500_000_000, longestNanoseconds: 2_000_000_000, overallNanoseconds: 10_000_000_000)

    init(_ number: Int, _ cluster: SimulatedCluster) {
        self.number = number
        self.cluster = cluster
        world = cluster.world
        nextID = world.random.next() >> 8
        cluster.network.attach(.client(number), of: .client(number)) { [unowned self] message, _ in receive(message) }
    }

    private var endpoint: Endpoint { .client(number) }

    // MARK: Calls

    func counted<R: ShardRPC>(_ request: R, shard: ShardID) async -> Outcome<R.Response> {
        let ending = await exchange(.shardRequest(request.erased), to: .shard(shard), .shard)
        let name = "\(R.kind) at shard \(shard)"
        guard case .message(.shardAnswer(let result)) = ending.answer else {
            return ending.outcome(.failure(ClientError(.timeout, name)))
        }
        switch result {
        case .success(let any):
            guard let response = R.response(in: any) else {
                return ending.outcome(.failure(ClientError(.malformedAnswer, name)))
            }
            return ending.outcome(.success(response))
        case .failure(let code):
            if !RefusalRules.allow(code, of: R.kind) { world.find("\(name) is refused with \(code)") }
            return ending.outcome(.failure(ClientError(.refused(code), name)))
        }
    }

    func counted<R: CdcRPC>(_ request: R) async -> Outcome<R.Response> {
        let ending = await exchange(.coordinatorRequest(request.erased), to: .coordinator, .cdc)
        let name = "\(R.kind) at the coordinator"
        guard case .message(.coordinatorAnswer(let result)) = ending.answer else {
            return ending.outcome(.failure(ClientError(.timeout, name)))
        }
        switch result {
        case .success(let any):
            guard let response = R.response(in: any) else {
                return ending.outcome(.failure(ClientError(.malformedAnswer, name)))
            }
            return ending.outcome(.success(response))
        case .failure(let code):
            if !RefusalRules.allow(code, of: R.kind) { world.find("\(name) is refused with \(code)") }
            return ending.outcome(.failure(ClientError(.refused(code), name)))
        }
    }

    func registry<R: RegistryRPC>(_ request: R) async throws(ClientError) -> R.Response {
        let ending = await exchange(.registryRequest(request.erased), to: .registry, Self.streamTiming)
        let name = "\(R.kind) at the registry"
        guard case .message(.registryAnswer(let result)) = ending.answer else { throw ClientError(.timeout, name) }
        switch result {
        case .success(let any):
            guard let response = R.response(in: any) else { throw ClientError(.malformedAnswer, name) }
            return response
        case .failure(let code): throw ClientError(.refused(code), name)
        }
    }

    /// A request to a block server; its proof.
    func blocks(_ request: AnyBlocksRequest, _ service: BlockServiceID) async throws(ClientError) -> MAC {
        guard let server = cluster.server(of: service) else { throw ClientError(.unavailable, "a block request") }
        let ending = await exchange(
            .blockRequest(service, request), to: .blockServer(server), Self.streamTiming)
        guard case .message(.blockAnswer(let result)) = ending.answer else {
            throw ClientError(.timeout, "\(request.kind)")
        }
        switch result {
        case .success(let proof): return proof
        case .failure(let code): throw ClientError(.refused(code), "\(request.kind)")
        }
    }

    // MARK: Repetition

    private func exchange(
        _ body: Message.Body, to receiver: Endpoint, _ timing: RetryTiming
    ) async -> Ending {
        let id = nextID
        nextID += 1
        return await withUnsafeContinuation { continuation in
            pending[id] = Pending(
                message: Message(id: id, body: body), receiver: receiver, timing: timing, begun: world.now
            ) { continuation.resume(returning: $0) }
            attempt(id)
        }
    }

    private func attempt(_ id: UInt64) {
        guard var request = pending[id] else { return }
        let jitter = Double.random(in: 0..<1, using: &world.random)
        guard let wait = request.timing.wait(elapsedNanoseconds: world.now - request.begun, jitter: jitter) else {
            pending[id] = nil
            return request.end(.timeout)
        }
        request.attempts += 1
        request.copies += cluster.network.send(request.message, from: endpoint, to: request.receiver)
        pending[id] = request
        world.after(max(wait, 1_000_000)) { [self] in attempt(id) }
    }

    private func receive(_ message: Message) {
        guard let request = pending.removeValue(forKey: message.id) else { return }
        request.end(.message(message.body))
    }
}
