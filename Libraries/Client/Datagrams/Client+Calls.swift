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
            kind: R.kind.rawValue, word: .shardRequest, body: request, to: .shard(shard),
            timing: options.shardTiming, endsWithSize: R.kind.endsWithDatagramSize,
            name: { "\(R.kind) at shard \(shard)" })
    }

    func counted<R: CdcRPC>(_ request: R) async -> CountedResult<R.Response> {
        await exchange(
            kind: R.kind.rawValue, word: .cdcRequest, body: request, to: .cdc,
            timing: options.cdcTiming, endsWithSize: false, name: { "\(R.kind) at the coordinator" })
    }

    private func exchange<Request: WireValue, Response: WireValue & Sendable>(
        kind: UInt8, word: ProtocolWord, body: Request, to destination: DatagramTransport.Destination,
        timing: RetryTiming, endsWithSize: Bool,
        name: @escaping @Sendable () -> String
    ) async -> CountedResult<Response> {
        let id = core.transport.takeID()
        let packet: [UInt8]
        do {
            packet = try encodedBytes(capacity: PlainPacket.headerSize + body.encodedSize) {
                writer throws(EncodeError) in
                try PlainPacket.write(word, requestID: id, kind: kind, body: body, into: &writer)
            }
        } catch {
            return CountedResult(result: .failure(ClientError(.invalidArgument, name(), "\(error)")), attempts: 0)
        }
        return await withUnsafeContinuation { continuation in
            core.transport.send(
                id: id, packet: packet, to: destination, timing: timing, endsWithSize: endsWithSize
            ) { ending in
                continuation.resume(returning: CountedResult(ending, name))
            }
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
