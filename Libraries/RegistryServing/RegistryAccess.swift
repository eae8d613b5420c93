import Protocol
import RegistryCore

/// Who may ask the registry for what. Everybody may read; what changes something, and the secret keys of disks, are for
/// connections that have proven the cluster's key.
final class RegistryAccess {
    private let key: MACKey?
    /// Whether everybody may do everything, as in TernFS.
    private let isOpen: Bool

    init(_ keys: KeyRing) {
        key = keys.cluster.map { MACKey($0.key(for: .registryConnections)) }
        isOpen = keys.takesWellKnown
    }

    func challenge() -> ChallengeResponse {
        var random = SystemRandomNumberGenerator()
        return ChallengeResponse(low: random.next(), high: random.next())
    }

    /// Without a key there is nothing to prove, and everybody may do everything.
    func accepts(_ proof: MAC, of challenge: ChallengeResponse) -> Bool {
        guard let key else { return isOpen }
        return proof == challenge.proof(key)
    }

    func allows(_ kind: RegistryKind, isProven: Bool) -> Bool { isOpen || isProven || !kind.needsProof }

    /// What of an answer may be seen.
    func visible(_ reply: RegistryCore.Reply, isProven: Bool) -> RegistryCore.Reply {
        guard !isOpen, !isProven, case .success(.allBlockServicesDeprecated(var list)) = reply else { return reply }
        for index in list.blockServices.indices {
            list.blockServices[index].secretKey = SecretKey(low: 0, high: 0)
        }
        return .success(.allBlockServicesDeprecated(list))
    }
}
