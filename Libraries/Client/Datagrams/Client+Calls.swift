import EventLoop
import Mutations
import Protocol

extension Client {
    /// Sends a request to a shard and waits for its answer, repeating it as needed.
    public func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
        try await counted(request, shard: shard).get()
    }

    /// Sends a request to the coordinator and waits for its answer, repeating it as needed.
    public func callCDC<R: CdcRPC>(_ request: R) async throws(ClientError) -> R.Response {
        try await counted(request).get()
    }

    /// As `call`, and tells how often the request was sent: after a repetition some errors hide a success.
    func counted<R: ShardRPC>(_ request: R, shard: ShardID) async -> CountedResult<R.Response> {
        await exchange(
            kind: R.kind.rawValue, body: request, proof: R.kind.needsProof ? core.shardProof : nil, to: .shard(shard),
            timing: options.shardTiming, endsWithSize: R.kind.endsWithDatagramSize,
            name: { "\(R.kind) at shard \(shard)" })
    }

    func counted<R: CdcRPC>(_ request: R) async -> CountedResult<R.Response> {
        await exchange(
            kind: R.kind.rawValue, body: request, proof: R.kind.needsProof ? core.cdcProof : nil, to: .cdc,
            timing: options.cdcTiming, endsWithSize: false, name: { "\(R.kind) at the coordinator" })
    }

    // MARK: Outages

    /// Before something is asked again: a refusal costs no time, unlike silence.
    private static let outagePauseNanoseconds: UInt64 = 250_000_000

    /// As `call`, for what must not get lost because a server is away, or in trouble, for a while: goes on asking until
    /// `options.writeTimeoutNanoseconds` have passed. Only for what may be carried out twice.
    func persist<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
        try await persistCounted(request, shard: shard).get()
    }

    func persistCounted<R: ShardRPC>(_ request: R, shard: ShardID) async -> CountedResult<R.Response> {
        let start = loop.monotonicNanoseconds
        var attempts = 0
        while true {
            let outcome = await counted(request, shard: shard)
            attempts += outcome.attempts
            guard case .failure(let error) = outcome.result, error.isOutage, mayPersist(since: start) else {
                return CountedResult(result: outcome.result, attempts: attempts)
            }
            attempts += 1
            await loop.sleep(nanoseconds: Self.outagePauseNanoseconds)
        }
    }

    /// The same for a step of several requests.
    nonisolated(nonsending) func persistently<T>(
        _ step: nonisolated(nonsending) () async throws(ClientError) -> T
    ) async throws(ClientError) -> T {
        let start = loop.monotonicNanoseconds
        while true {
            do {
                return try await step()
            } catch {
                guard error.isOutage, mayPersist(since: start) else { throw error }
                await loop.sleep(nanoseconds: Self.outagePauseNanoseconds)
            }
        }
    }

    nonisolated func mayPersist(since start: UInt64) -> Bool {
        options.writeTimeoutNanoseconds == 0 || loop.monotonicNanoseconds &- start < options.writeTimeoutNanoseconds
    }

    private func exchange<Request: WireValue, Response: WireValue & Sendable>(
        kind: UInt8, body: Request, proof: MACKey?, to destination: DatagramTransport.Destination, timing: RetryTiming,
        endsWithSize: Bool,
        name: @escaping @Sendable () -> String
    ) async -> CountedResult<Response> {
        let id = core.transport.takeID()
        let packet: [UInt8]
        do {
            packet = try packed(kind, body, id, proof, for: destination)
        } catch {
            return CountedResult(result: .failure(ClientError(.invalidArgument, name(), "\(error)")), attempts: 0)
        }
        guard packet.count <= UDPSocket.maximumDatagramSize else {
            let detail = "\(packet.count) bytes are too many for a datagram"
            return CountedResult(result: .failure(ClientError(.invalidArgument, name(), detail)), attempts: 0)
        }
        // What is proven is sent as it is: who asks so for pages asks for small ones.
        let endsWithSize = endsWithSize && proof == nil
        return await withUnsafeContinuation { continuation in
            core.transport.send(
                id: id, packet: packet, to: destination, timing: timing, endsWithSize: endsWithSize
            ) { ending in
                continuation.resume(returning: CountedResult(ending, name))
            }
        }
    }

    private func packed(
        _ kind: UInt8, _ body: some WireValue, _ id: UInt64, _ proof: MACKey?,
        for destination: DatagramTransport.Destination
    ) throws(EncodeError) -> [UInt8] {
        let isCDC = destination == .cdc
        let size = PlainPacket.headerSize + body.encodedSize + (proof == nil ? 0 : ProvenPacket.trailerSize)
        return try encodedBytes(capacity: size) { (writer) throws(EncodeError) in
            guard let proof else {
                let word: ProtocolWord = isCDC ? .cdcRequest : .shardRequest
                return try PlainPacket.write(word, requestID: id, kind: kind, body: body, into: &writer)
            }
            try ProvenPacket.write(
                isCDC ? .provenCdcRequest : .provenShardRequest, requestID: id, kind: kind, body: body,
                time: loop.wallClock(), key: proof, into: &writer)
        }
    }
}

/// The outcome of a request and how many times it was sent.
struct CountedResult<Response: Sendable>: Sendable {
    let result: Result<Response, ClientError>
    let attempts: Int

    func get() throws(ClientError) -> Response {
        try result.get()
    }
}

extension CountedResult where Response: WireValue {
    fileprivate init(_ ending: DatagramTransport.Ending, _ name: () -> String) {
        switch ending {
        case .failed(let cause):
            self.init(result: .failure(ClientError(cause, name())), attempts: 0)
        case .answered(let kind, let body, let attempts):
            do {
                if kind == 0 {
                    let code = try ProtocolError(decoding: body)
                    self.init(result: .failure(ClientError(.refused(code), name())), attempts: attempts)
                } else {
                    self.init(result: .success(try Response(decoding: body)), attempts: attempts)
                }
            } catch {
                self.init(result: .failure(ClientError(.malformedAnswer, name(), "\(error)")), attempts: attempts)
            }
        }
    }
}

extension ClientError {
    /// Whether a server was away, or in trouble, and the same request may succeed later.
    public var isOutage: Bool {
        if let code { return code.isServerTrouble && !Mutation.troubleIsFinal.isPlanted }
        return cause == .timeout || cause == .unavailable
    }

    /// Whether servers were away that what is stored can be read from when they are back.
    public var mayComeBack: Bool { isOutage || cause == .tooManyBlocksMissing }
}
