import Client
import Glibc
import Mutations
import Protocol

// What only owners may. A kernel judges by what it was told last, through a descriptor as long ago as somebody likes;
// another host may have given the file away since.

extension Filesystem {
    /// Whose a node is, and who may do what with it, as it was a moment ago at the longest; nil where that is not
    /// stored.
    func permissions(of node: Node) async throws(FilesystemError) -> Permissions? {
        guard storesOwnership else { return nil }
        if let own = node.staged?.own { return own.permissions }
        let found = try await holder(of: node)
        return permissions(found.stored?.ownership ?? Ownership(), of: found.id.type)
    }

    /// Whether no kernel refuses somebody anything for what he is: root, unless only some ids are known where he is.
    func isSuperuser(_ caller: Caller) -> Bool { caller.user == 0 && options.identities == .all }

    /// Whether a kernel lets somebody do with what belongs to these what only owners may.
    /// - Parameter group: nil: it does not matter.
    func owns(
        _ caller: Caller, _ user: UInt32, group: UInt32?, _ right: SuperuserRight = .actsAsOwner
    ) async -> Bool {
        if caller.user == user || Mutation.formerOwnersGoOn.isPlanted { return true }
        if caller.user == 0, options.identities.know(user: user, group: group) { return true }
        return await creators.has(right, caller, over: user, group)
    }

    /// Nobody gives a file the right to run as a group that he is not in.
    func mayKeepSetGroup(_ caller: Caller, _ permissions: Permissions) async -> Bool {
        let isHis = caller.isPrivileged || caller.group == permissions.group
        if isHis || Mutation.anybodyGivesTheGroupsRights.isPlanted { return true }
        if await creators.belongs(caller, to: permissions.group) { return true }
        return await creators.has(.keepsSetGroup, caller, over: permissions.user, permissions.group)
    }

    /// Whether somebody may let a program run as whom it runs as.
    private func mayGiveRights(_ there: Permissions, _ caller: Caller) async -> Bool {
        guard await owns(caller, there.user, group: nil) else { return false }
        guard Permissions.runsAsGroup(there.mode), !Mutation.programsRunAsLaterGroups.isPlanted else { return true }
        return await mayKeepSetGroup(caller, there)
    }

    // MARK: Before a change

    /// Checks that somebody may change of a node what only its owner may.
    /// - Returns: the inode that he means by it, where that had to be asked for.
    func checkOwns(_ node: Node, _ caller: Caller) async throws(FilesystemError) -> InodeID? {
        guard storesOwnership, !isSuperuser(caller) else { return nil }
        let (there, meant) = try await whatIsMeant(by: node)
        if let there, await !owns(caller, there.user, group: nil) { throw .notTheOwner }
        return meant
    }

    /// What somebody may do of a change: a program runs as no group that he is not in.
    /// - Returns: that, and the inode that he means, where that had to be asked for.
    /// - Throws: EPERM where only the owner may.
    func permitted(
        _ change: AttributeChange, of node: Node, by caller: Caller
    ) async throws(FilesystemError) -> (AttributeChange, meant: InodeID?) {
        let (needsOwner, givesAway) = (change.needsOwner, change.user != nil || change.group != nil)
        guard storesOwnership, !isSuperuser(caller), needsOwner || givesAway else { return (change, nil) }
        // What would last for ever is not judged by what was so a moment ago.
        if change.givesRights { try await renewRights(of: node) }
        let (found, meant) = try await whatIsMeant(by: node)
        guard var there = found else { return (change, meant) }
        if needsOwner, await !owns(caller, there.user, group: nil) { throw .notTheOwner }
        if givesAway, await !owns(caller, there.user, group: there.group, .givesAway) { throw .notTheOwner }
        var permitted = change
        there.group = change.group ?? there.group
        if node.content.isFile, let mode = change.mode, Permissions.runsAsGroup(mode),
            await !mayKeepSetGroup(caller, there)
        {
            permitted.mode = mode & ~Permissions.setGroup
        }
        return (permitted, meant)
    }

    /// Whose it is what somebody means who changes a node: a version that others have published may be somebody else's
    /// than the one that the node stands for.
    private func whatIsMeant(by node: Node) async throws(FilesystemError) -> (Permissions?, InodeID?) {
        try await settle(node)
        if node.staged != nil { return (try await permissions(of: node), nil) }
        let meant = try await inodeMeant(by: node)
        if node.content == meant || node.staged != nil { return (try await permissions(of: node), meant) }
        // Others have renamed it.
        let found = try await posix { () throws(ClientError) in try await client.attributes(of: meant) }
        return (permissions(found.stored?.ownership ?? Ownership(), of: meant.type), meant)
    }

    // MARK: After it

    /// Runs a change, and takes what it gave too much. If no answer comes it may have been done all the same: then that
    /// is looked at as soon as servers are back, though whoever wanted it was told that it failed.
    func withLateLook(
        _ change: AttributeChange, of node: Node, by caller: Caller,
        _ step: nonisolated(nonsending) () async throws(FilesystemError) -> Void
    ) async throws(FilesystemError) {
        do throws(FilesystemError) {
            try await step()
            try await takeLateRights(change, of: node, by: caller)
        } catch {
            if error.mayComeBack, !Mutation.lostAnswersEndTheLook.isPlanted { lookLate(change, of: node, by: caller) }
            throw error
        }
    }

    private func lookLate(_ change: AttributeChange, of node: Node, by caller: Caller) {
        // So that it stays.
        node.references += 1
        let id = node.id
        loop.task { await self.lookLate(change, of: id, by: caller) }
    }

    private func lookLate(_ change: AttributeChange, of id: NodeID, by caller: Caller) async {
        guard let node = nodes[id] else { return }
        defer { nodes.forget(id, 1) }
        do throws(FilesystemError) {
            try await outlastingOutages { () throws(FilesystemError) in
                node.forgetAttributes()
                node.staged?.forgetRights()
                try await takeLateRights(change, of: node, by: caller)
            }
        } catch {
            // That says that they were taken.
            if error.code != EPERM { report("chmod", node.place, error) }
        }
    }

    /// Another host may have given a program away in the same moment, or let it run as its owner: it runs as nobody who
    /// did not want that.
    private func takeLateRights(
        _ change: AttributeChange, of node: Node, by caller: Caller
    ) async throws(FilesystemError) {
        let isGiven = change.mode == nil && (change.user != nil || change.group != nil)
        let isMade = change.givesRights && !isSuperuser(caller)
        guard isGiven || isMade, node.content.isFile, node.staged?.own == nil,
            !Mutation.programsRunAsLaterOwners.isPlanted, !Mutation.newOwnersKeepPrograms.isPlanted,
            let there = try await permissions(of: node), Permissions.givesRights(there.mode)
        else { return }
        if isMade, await mayGiveRights(there, caller) { return }
        try await self.change(
            node, InodeChange(ownership: Ownership(mode: Permissions.withoutPrivileges(there.mode))))
        if isMade { throw .notTheOwner }
    }
}

extension AttributeChange {
    /// Whether only an owner may, beside giving it away. That it was used now whoever may write says as well.
    fileprivate var needsOwner: Bool { mode != nil || modified?.isChosen == true || accessed?.isChosen == true }

    fileprivate var givesRights: Bool { mode.map(Permissions.givesRights) ?? false }
}

extension AttributeChange.Time {
    fileprivate var isChosen: Bool { if case .at = self { true } else { false } }
}
