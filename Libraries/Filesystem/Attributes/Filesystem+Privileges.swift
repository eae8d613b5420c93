import Client
import Mutations
import Protocol

// A program that runs as its owner, or with rights of root, must not do so any more when somebody else has changed it.

extension Filesystem {
    /// Who may not give a file such rights is about to change its bytes.
    func clearPrivileges(of staged: StagedFile, for caller: Caller) {
        guard !caller.isPrivileged else { return }
        clearPrivileges(of: staged)
    }

    func clearPrivileges(of staged: StagedFile) {
        let mode = mode(of: staged)
        guard mode & (Permissions.setUser | Permissions.setGroup) != 0, !Mutation.programsKeepRights.isPlanted else {
            return
        }
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
