import Client
import Glibc
import Protocol

extension Filesystem {
    /// - Parameter replaces: whether something may have the new name; otherwise that is EEXIST.
    public func rename(
        _ oldName: [UInt8], in oldParent: NodeID, to newName: [UInt8], in newParent: NodeID, replaces: Bool
    ) async throws(FilesystemError) {
        try Self.checkName(newName)
        let old = Place(directory: try directory(oldParent), name: oldName)
        let new = Place(directory: try directory(newParent), name: newName)
        if !replaces { try await checkFree(new) }
        guard old != new else { return }
        if let staged = try await stagedFile(at: old) {
            try await rename(staged, to: new)
        } else {
            try await renameFinished(old, to: new, replacesDirectory: replaces)
        }
    }

    private func renameFinished(
        _ old: Place, to new: Place, replacesDirectory: Bool
    ) async throws(FilesystemError) {
        // Whoever writes to the name that is taken over goes on writing to a file without a name.
        let displaced = try await stagedFile(at: new)
        let found = try await posix { () throws(ClientError) in
            try await client.lookup(old.name, in: old.directory)
        }
        if displaced != nil, found.targetId.isDirectory { throw FilesystemError(ENOTDIR) }
        if found.targetId.isDirectory, !stagedNames.isEmpty {
            // The cluster would call a directory empty in which only this filesystem sees something.
            if let present = try await existing(new), stagedNames.hasNames(in: present) { throw .notEmpty }
        }
        try await posix { () throws(ClientError) in
            try await client.rename(
                old.name, in: old.directory, to: new.name, in: new.directory, replacesDirectory: replacesDirectory)
        }
        if let displaced { detach(displaced) }
        forgetName(new)
        nodes.move(found.targetId, to: new)
    }

    /// Only this filesystem knows the old name, so only it has to learn the new one; but a file that both names have
    /// replaced must go, and a directory cannot be replaced.
    private func rename(_ staged: StagedFile, to new: Place) async throws(FilesystemError) {
        let displaced = try await stagedFile(at: new)
        let present = try await existing(new)
        if let present, present.isDirectory { throw .isDirectory }
        // What another host has published under the old name since would be removed with it.
        if let base = staged.base { try await checkCurrent(base.id, at: staged.place) }
        guard staged.state == .building else { throw FilesystemError(EBUSY) }
        let old = staged.place
        if let displaced { detach(displaced) }
        forgetName(new)
        staged.base = nil
        stagedNames.remove(staged.node, at: old)
        staged.place = new
        stagedNames.insert(staged.node, at: new)
        nodes[staged.node]?.place = new
        let leavesOld = staged.replacesExisting
        staged.replacesExisting = present != nil
        if leavesOld {
            try await posix { () throws(ClientError) in try await client.unlink(old.name, in: old.directory) }
        }
    }

    private func checkFree(_ place: Place) async throws(FilesystemError) {
        if try await stagedFile(at: place) != nil { throw .exists }
        if try await existing(place) != nil { throw .exists }
    }

    /// What the cluster has at a place.
    private func existing(_ place: Place) async throws(FilesystemError) -> InodeID? {
        do {
            return try await client.lookup(place.name, in: place.directory).targetId
        } catch {
            if error.isRefusal(.nameNotFound) { return nil }
            throw FilesystemError(error)
        }
    }
}
