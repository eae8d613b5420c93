import Protocol

/// Why a replica cannot go on without the others. Nothing was changed.
public enum RecoveryError: Error, Equatable, CustomStringConvertible {
    /// Its service is running.
    case running(String)
    /// It holds no group with members.
    case holdsNothing(String)
    /// It belongs to none of its groups, or is said to have different places.
    case hasNoPlace(String)
    /// No later term is left.
    case termsAreUsedUp
    /// A file could not be changed.
    case file(String)

    public var description: String {
        switch self {
        case .running(let path): "its service is running (it holds \(path)): stop it first"
        case .holdsNothing(let path): "\(path) holds nothing of any group that has replicas"
        case .hasNoPlace(let path):
            "what is in \(path) belongs to none of its groups: another replica has to go on"
        case .termsAreUsedUp: "its groups have had as many terms as there can be"
        case .file(let text): text
        }
    }
}
