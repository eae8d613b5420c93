import Client
import Glibc
import Protocol

extension Mount {
    func rename(
        _ oldParent: UInt64, _ oldName: [UInt8], _ newParent: UInt64, _ newName: [UInt8], flags: UInt32
    ) async throws(Errno) -> Answer {
        try Self.checkName(newName)
        let old = Place(directory: try directory(oldParent), name: oldName)
        let new = Place(directory: try directory(newParent), name: newName)
        // Two names cannot be exchanged in one step, and there are no whiteouts.
        guard flags & ~RenameFlags.noReplace == 0 else { throw .invalid }
        if flags & RenameFlags.noReplace != 0 { try await checkFree(new) }
        guard old != new else { return .done }
        if let construction = try await underConstruction(at: old) {
            try await rename(construction, to: new)
        } else {
            try await renameFinished(old, to: new, replacesDirectory: flags & RenameFlags.noReplace == 0)
        }
        return .done
    }

    private func renameFinished(_ old: Place, to new: Place, replacesDirectory: Bool) async throws(Errno) {
        // Whoever writes to the name that is taken over goes on writing to a file without a name.
        let displaced = try await underConstruction(at: new)
        let found = try await posix { () throws(ClientError) in
            try await client.lookup(old.name, in: old.directory)
        }
        if displaced != nil, found.targetId.isDirectory { throw Errno(ENOTDIR) }
        if found.targetId.isDirectory, !places.isEmpty {
            // The cluster would call a directory empty in which only this mount sees something.
            if let present = try await existing(new), places.hasNames(in: present) { throw .notEmpty }
        }
        try await posix { () throws(ClientError) in
            try await client.rename(
                old.name, in: old.directory, to: new.name, in: new.directory, replacesDirectory: replacesDirectory)
        }
        if let displaced { detach(displaced) }
        forgetName(new)
        nodes.move(found.targetId, to: new)
    }

    /// Only this mount knows the old name, so only this mount has to learn the new one; but a file that both names have
    /// replaced must go, and a directory cannot be replaced.
    private func rename(_ construction: Construction, to new: Place) async throws(Errno) {
        let displaced = try await underConstruction(at: new)
        let present = try await existing(new)
        if let present, present.isDirectory { throw .isDirectory }
        // What another host has published under the old name since would be removed with it.
        if let base = construction.base { try await checkCurrent(base.id, at: construction.place) }
        guard construction.state == .building else { throw Errno(EBUSY) }
        let old = construction.place
        if let displaced { detach(displaced) }
        forgetName(new)
        construction.base = nil
        places.remove(construction.number, at: old)
        construction.place = new
        places.insert(construction.number, at: new)
        nodes[construction.number]?.place = new
        let leavesOld = construction.replacesExisting
        construction.replacesExisting = present != nil
        if leavesOld {
            try await posix { () throws(ClientError) in try await client.unlink(old.name, in: old.directory) }
        }
    }

    private func checkFree(_ place: Place) async throws(Errno) {
        if try await underConstruction(at: place) != nil { throw .exists }
        if try await existing(place) != nil { throw .exists }
    }

    /// What the cluster has at a place.
    private func existing(_ place: Place) async throws(Errno) -> InodeID? {
        do {
            return try await client.lookup(place.name, in: place.directory).targetId
        } catch {
            if error.isRefusal(.nameNotFound) { return nil }
            throw Errno(error)
        }
    }
}

/// Flags of renameat2(2).
private enum RenameFlags {
    static let noReplace: UInt32 = 1
}
