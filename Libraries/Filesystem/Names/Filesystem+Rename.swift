import Client
import Glibc
import Mutations
import Protocol

extension Filesystem {
    /// - Parameter replaces: whether something may have the new name; otherwise that is EEXIST.
    public func rename(
        _ oldName: [UInt8], in oldParent: NodeID, to newName: [UInt8], in newParent: NodeID, replaces: Bool,
        by caller: Caller = .unknown
    ) async throws(FilesystemError) {
        try await telling("rename", of: place(oldName, in: oldParent)) { () throws(FilesystemError) in
            try Self.checkName(newName)
            let old = try placeToChange(oldName, in: oldParent)
            let new = try placeToChange(newName, in: newParent)
            if !replaces { try await checkFree(new) }
            guard old != new else { return }
            // What has the name of the hidden place hides that, and can be replaced; the hidden place cannot.
            if newName == Self.snapshotDirectory, try await stagedFile(at: new) == nil, try await existing(new) == nil {
                throw .exists
            }
            while try await !moved(old, to: new, replacesDirectory: replaces, by: caller) {}
        }
    }

    /// - Returns: false when somebody began to publish the file meanwhile, so that it has to be tried again.
    private func moved(
        _ old: Place, to new: Place, replacesDirectory: Bool, by caller: Caller
    ) async throws(FilesystemError) -> Bool {
        // What the cluster knows under the old name moves there, and what is written here goes with it.
        guard let staged = try await stagedFile(at: old), staged.isNew || !staged.replacesExisting else {
            return try await moveFinished(old, to: new, replacesDirectory: replacesDirectory, by: caller)
        }
        let displaced = try await stagedFile(at: new)
        guard staged.state != .ended, staged.place == old else { return false }
        return try await withMoving(staged.node, over: displaced?.node) { () throws(FilesystemError) in
            try await moveNew(staged, to: new, over: displaced, by: caller)
        }
    }

    /// Nothing of a node is published while its name moves, nor of the one whose name it takes.
    /// - Returns: false when something was being published, which has come to its end now.
    func withMoving(
        _ node: Node, over displaced: Node? = nil,
        _ body: nonisolated(nonsending) () async throws(FilesystemError) -> Void
    ) async throws(FilesystemError) -> Bool {
        let moving = [node] + (displaced.map { [$0] } ?? [])
        for node in moving where node.staged?.state == .publishing {
            try await settle(node)
            return false
        }
        for node in moving { node.movers += 1 }
        defer {
            for node in moving {
                node.movers -= 1
                node.wake()
                nodes.dropIfUnused(node)
            }
        }
        try await body()
        return true
    }

    private func moveFinished(
        _ old: Place, to new: Place, replacesDirectory: Bool, by caller: Caller
    ) async throws(FilesystemError) -> Bool {
        // Whoever writes to the name that is taken over goes on writing to a file without a name.
        let displaced = try await stagedFile(at: new)
        let start = moves
        let taken = try await takeable(old, by: caller)
        let found: InodeID
        if let taken {
            found = taken
        } else {
            found = try await named(old.name) { () throws(ClientError) in
                try await client.lookup(old.name, in: old.directory)
            }.targetId
        }
        try await checkReplaceable(new, by: caller)
        if displaced != nil, found.isDirectory { throw FilesystemError(ENOTDIR) }
        if found.isDirectory, !stagedNames.isEmpty {
            // The cluster would call a directory empty in which only this filesystem sees something.
            if let present = try await existing(new), stagedNames.hasNames(in: present) { throw .notEmpty }
        }
        let known = stagedNames.node(at: old).flatMap { nodes[$0] } ?? nodes.node(standingFor: found)
        // What was found may have been replaced by what was published here since.
        guard known != nil || moves == start else { return false }
        let node = known ?? nodes.node(for: NodeID(found))
        do throws(FilesystemError) {
            return try await withMoving(node, over: displaced?.node) { () throws(FilesystemError) in
                let time = try await posix { () throws(ClientError) in
                    try await client.rename(
                        old.name, in: old.directory, to: new.name, in: new.directory,
                        replacesDirectory: replacesDirectory, expecting: taken, bringsAttributes: storesOwnership)
                }
                wasMoved(node, at: time, to: new, over: displaced)
            }
        } catch {
            // The answer may be all that is missing.
            if error.mayComeBack, !Mutation.unheardRenamesAreForgotten.isPlanted { node.staged?.perhapsMoved = new }
            // Something else has the old name since.
            guard taken != nil, error.isRefusal(.mismatchingTarget) else { throw error }
            return false
        }
    }

    /// An edit follows its name if that was moved by a rename of which nobody has heard.
    /// - Returns: whether it was.
    func followName(_ staged: StagedFile) async throws(FilesystemError) -> Bool {
        guard let new = staged.perhapsMoved else { return false }
        let found: LookupResponse
        do {
            found = try await client.lookup(new.name, in: new.directory)
        } catch {
            guard error.isRefusal(.nameNotFound) || error.isRefusal(.directoryNotFound) else {
                throw FilesystemError(error)
            }
            return false
        }
        let target = found.targetId
        let isThere = target == base(of: staged) ? true : try await isVersion(target, of: staged.number)
        // What was done here meanwhile is newer.
        guard isThere, staged.perhapsMoved == new, staged.state != .ended, !staged.isUnlinked,
            staged.node.movers == 0, stagedNames.node(at: new) == nil
        else { return false }
        wasMoved(staged.node, at: found.creationTime, to: new, over: nil)
        return true
    }

    private func wasMoved(_ node: Node, at time: Timestamp, to new: Place, over displaced: StagedFile?) {
        node.wasLinked(at: time)
        if let displaced { detach(displaced) }
        // Somebody may have begun to write what was there meanwhile.
        if let late = stagedNames.node(at: new).flatMap({ stagedFiles[$0] }), late.node !== node { detach(late) }
        forgetName(new)
        rename(node, to: new)
    }

    /// Only this filesystem knows the old name, so only it has to learn the new one; but a directory cannot be
    /// replaced. What the cluster has under the old name was replaced here before: nobody finds it under either.
    private func moveNew(
        _ staged: StagedFile, to new: Place, over displaced: StagedFile?, by caller: Caller
    ) async throws(FilesystemError) {
        let present = try await existing(new)
        if let present, present.isDirectory { throw .isDirectory }
        let spares = try await keepsNames(new.directory, from: caller)
        if spares { try await checkReplaceable(new, by: caller) }
        try await unlinkReplaced(by: staged)
        let former = present.flatMap { nodes.node(standingFor: $0) }
        staged.displaced = displaced.map { $0.isNew ? $0.displaced : $0.node } ?? former
        if let displaced { detach(displaced) }
        forgetName(new)
        // What has the name by the close may be somebody else's than what has it now.
        staged.take(from: present, sparing: spares ? caller.user : nil)
        staged.attributesChanged = now()
        rename(staged.node, to: new)
    }

    /// A file has another name here, and so has what is written of it.
    private func rename(_ node: Node, to new: Place) {
        node.place = new
        guard let staged = node.staged, !staged.isUnlinked else { return }
        stagedNames.remove(node.id, at: staged.place)
        (staged.place, staged.perhapsMoved) = (new, nil)
        stagedNames.insert(node.id, at: new)
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
