import Mutations
import Protocol

extension RegistryConnection {
    /// What the cluster's servers can do beyond the base protocol; nil when it cannot be found out now.
    ///
    /// A registry of the base protocol closes the connection. So does one that is not the leader, which is why the
    /// question goes where another answer has just come from, and one that ends, which is why it is asked twice.
    public func extensions(_ completion: @escaping (Result<Set<ProtocolExtension>, RegistryCallError>) -> Void) {
        askForExtensions(times: 2, completion)
    }

    private func askForExtensions(
        times: Int, _ completion: @escaping (Result<Set<ProtocolExtension>, RegistryCallError>) -> Void
    ) {
        call(LocalCdcRequest()) { [self] result in
            if case .failure(let error) = result { return completion(.failure(error)) }
            call(ExtensionsRequest(), timeoutNanoseconds: 2_000_000_000) { [self] result in
                switch result {
                case .success(let response):
                    hasToldExtensions = true
                    completion(.success(Set(response.extensions)))
                case .failure(.closed) where times > 1: askForExtensions(times: times - 1, completion)
                // Who has been proven the cluster's key, or has told before, knows more than the base protocol.
                case .failure(.closed) where provesKey || remembersExtensions: completion(.failure(.closed))
                case .failure(.closed), .failure(.refused), .failure(.malformed): completion(.success([]))
                case .failure(let error): completion(.failure(error))
                }
            }
        }
    }

    private var remembersExtensions: Bool { hasToldExtensions && !Mutation.extensionsAreForgotten.isPlanted }
}
