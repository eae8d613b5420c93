import Mutations
import Protocol

/// The file that had a name before another one.
enum Predecessor {
    case none
    case here(InodeID, FileRecord)
    /// In another shard, which was asked nothing.
    case elsewhere
}

/// What a file begins with that gets the name of another one.
struct Heritage {
    var ownership: InodeOwnership
    /// Where that stands already, or what is closest to it.
    private(set) var place = AttributesRecord.OwnershipPlace.nowhere
    private(set) var extended: [ExtendedAttribute] = []

    /// - Parameter ownership: what it has if it inherits nothing.
    init(ownership: InodeOwnership) {
        self.ownership = ownership
    }

    /// Whether that is what every file has.
    var isNothing: Bool { ownership == .default && extended.isEmpty }

    /// - Parameter keepsPrivileges: whether a program that runs with its owner's rights stays one.
    mutating func take(
        over predecessor: Predecessor, keepsPrivileges: Bool, _ state: ShardState
    ) throws(ShardFailure) {
        switch predecessor {
        case .here(let id, let former):
            place = former.attributes.ownership
            ownership = try state.ownership(at: place)
            extended = try state.extendedAttributes(of: id, former.attributes)
            if !Mutation.replacedProgramsKeepRights.isPlanted { dropPrivileges(all: !keepsPrivileges) }
        case .elsewhere where ownership == .default && !Mutation.foreignRightsAreForgotten.isPlanted:
            // Who could read that only its own shard knows: so nobody can but the cluster's owner.
            ownership.mode = 0o600
        case .elsewhere, .none: break
        }
    }

    /// The contents are others than those that somebody gave rights to.
    private mutating func dropPrivileges(all: Bool) {
        extended.removeAll { $0.name == AttributeLimits.capability }
        if all { ownership = ownership.withoutPrivileges }
    }
}
