import EventLoop
import Protocol

/// One call from the moment it is made until its completion has been called.
final class RegistryCall {
    /// Header and body, ready to be sent any number of times; empty when the request has no encoding.
    let frame: [UInt8]
    /// Whether sending it twice is as good as once.
    let isRepeatable: Bool
    var deadline: (any TimerHandle)?
    /// How the last attempt failed, for the error message.
    var lastAttempt = "no attempt was finished"
    private var completion: ((Result<RegistryExchange.Reply, RegistryCallError>) -> Void)?

    init<Request: RegistryRPC>(
        _ request: Request, _ completion: @escaping (Result<Request.Response, RegistryCallError>) -> Void
    ) {
        frame = (try? RegistryFrame.encoded(.registryRequest, kind: Request.kind.rawValue, body: request)) ?? []
        isRepeatable = Request.kind != .createLocation && Request.kind != .extensions
        self.completion = { reply in
            completion(reply.flatMap { RegistryCall.decode($0, as: Request.self) })
        }
    }

    var isEncodable: Bool { !frame.isEmpty }

    func finish(_ result: Result<RegistryExchange.Reply, RegistryCallError>) {
        deadline?.cancel()
        deadline = nil
        let completion = completion
        self.completion = nil
        completion?(result)
    }

    private static func decode<Request: RegistryRPC>(
        _ reply: RegistryExchange.Reply, as request: Request.Type
    ) -> Result<Request.Response, RegistryCallError> {
        do throws(DecodeError) {
            guard reply.kind != 0 else { return .failure(.refused(try ProtocolError(decoding: reply.body))) }
            guard reply.kind == Request.kind.rawValue else { return .failure(.malformed) }
            return .success(try Request.Response(decoding: reply.body))
        } catch {
            return .failure(.malformed)
        }
    }
}
