import Client
import Mutations
import Protocol

// A program that runs as its owner, or with rights of root, must not do so any more when somebody else has changed it.
// What a finished file has of such rights the shard takes when the edit is published: only it knows what that is then.

extension Filesystem {
    /// Somebody is about to change the bytes of a file.
    func clearPrivileges(of staged: StagedFile, for caller: Caller) {
        clearPrivileges(of: staged, isPrivileged: caller.isPrivileged)
    }

    /// - Parameter isPrivileged: whether he may give a file the right to run as somebody else.
    func clearPrivileges(of staged: StagedFile, isPrivileged: Bool) {
        // Rights of root go, whoever it is.
        staged.capability = nil
        if staged.own?.extended.isEmpty == false { staged.own?.extended[ExtendedAttributes.capability] = nil }
        guard !isPrivileged, !Mutation.programsKeepRights.isPlanted else { return }
        guard let own = staged.own else {
            staged.clearsPrivileges = true
            return
        }
        staged.own?.permissions.mode = Permissions.withoutPrivileges(own.permissions.mode)
    }
}
