import Client
import Mutations
import Protocol

// A program that runs as its owner, or with rights of root, must not do so any more when somebody else has changed it.

extension Filesystem {
    /// Somebody is about to change the bytes of a file.
    func clearPrivileges(of staged: StagedFile, for caller: Caller) {
        clearPrivileges(of: staged, isPrivileged: caller.isPrivileged)
    }

    /// - Parameter isPrivileged: whether he may give a file the right to run as somebody else.
    func clearPrivileges(of staged: StagedFile, isPrivileged: Bool) {
        // Rights of root go, whoever it is; what a finished file has of them goes when the edit is published.
        if staged.own?.extended.isEmpty == false { staged.own?.extended[ExtendedAttributes.capability] = nil }
        guard !isPrivileged, !Mutation.programsKeepRights.isPlanted else { return }
        let mode = mode(of: staged)
        guard mode & (Permissions.setUser | Permissions.setGroup) != 0 else { return }
        setMode(Permissions.withoutPrivileges(mode), of: staged)
    }

    private func mode(of staged: StagedFile) -> UInt16 {
        staged.own?.permissions.mode ?? staged.changed.mode ?? staged.node.lastOwnership.mode ?? 0
    }

    private func setMode(_ mode: UInt16, of staged: StagedFile) {
        if staged.own != nil { staged.own?.permissions.mode = mode } else { staged.changed.mode = mode }
    }

    /// What publishing a staged file does to the rights of root that its base had: its bytes are others.
    func capabilityChanges(of staged: StagedFile) -> [ExtendedAttributeChange] {
        guard storesOwnership, staged.node.mayHaveExtended else { return [] }
        if Mutation.programsKeepCapabilities.isPlanted { return [] }
        return ExtendedAttributeChange.drop(ExtendedAttributes.capability)
    }
}
