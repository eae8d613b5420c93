import EventLoop
import Protocol

/// Shows a registry, on a new connection, that this program knows the cluster's key (CHALLENGE, PROVE).
final class RegistryProof {
    private let key: ClusterKey
    private let completion: (Result<Void, RegistryCallError>) -> Void

    /// - Parameter completion: not called when the connection is lost.
    init(_ key: ClusterKey, _ completion: @escaping (Result<Void, RegistryCallError>) -> Void) {
        self.key = key
        self.completion = completion
    }

    func begin(on exchange: RegistryExchange) {
        ask(ChallengeRequest(), on: exchange) { [self] challenge in
            let proof = challenge.proof(MACKey(key.key(for: .registryConnections)))
            ask(ProveRequest(proof: proof), on: exchange) { [self] _ in completion(.success(())) }
        }
    }

    private func ask<Request: RegistryRPC>(
        _ request: Request, on exchange: RegistryExchange, _ answered: @escaping (Request.Response) -> Void
    ) {
        let call = RegistryCall(request) { [self] result in
            switch result {
            case .success(let response): answered(response)
            case .failure(let error): completion(.failure(error))
            }
        }
        exchange.send(call.frame) { call.finish($0) }
    }
}
