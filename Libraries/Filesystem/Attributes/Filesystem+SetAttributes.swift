import Client
import Glibc
import Mutations
import Protocol

extension Filesystem {
    /// - Parameter handle: the one that the change came through, if it came through one.
    public func setAttributes(
        _ id: NodeID, _ change: AttributeChange, through handle: HandleID?, by caller: Caller = .unknown
    ) async throws(FilesystemError) -> Attributes {
        let node = try await met(id)
        defer { nodes.dropIfUnused(node) }
        let clears = change.clearsPrivileges || !caller.isPrivileged
        let (change, meant) = try await permitted(change, of: node, by: caller)
        if let size = change.size {
            try await setSize(node, size, clears: clears, through: handle.flatMap { openFiles[$0] })
        }
        try await withLateLook(change, of: node, by: caller) { () throws(FilesystemError) in
            try await setInode(node, change, to: meant, clears: clears && change.size != nil)
        }
        return try await attributes(of: node)
    }

    /// Everything but the size, in one step.
    private func setInode(
        _ node: Node, _ change: AttributeChange, to meant: InodeID?, clears: Bool
    ) async throws(FilesystemError) {
        let now = now()
        var wanted = InodeChange(
            modified: change.modified?.timestamp(now), accessed: change.accessed?.timestamp(now))
        if storesOwnership {
            wanted.ownership = Ownership(mode: change.mode, uid: change.user, gid: change.group)
            if change.user != nil || change.group != nil || change.isEmpty || clears {
                try await clearPrivileges(of: node, &wanted)
            }
        }
        guard wanted != InodeChange() || change.isEmpty && storesOwnership else { return }
        try await self.change(node, wanted, to: meant)
    }

    /// Of a program that gets another owner, whoever gives it away, unless its mode is set with that.
    private func clearPrivileges(of node: Node, _ change: inout InodeChange) async throws(FilesystemError) {
        guard node.content.isFile, !Mutation.newOwnersKeepPrograms.isPlanted else { return }
        // As it is, and not as it was a moment ago.
        try await renewRights(of: node)
        guard let mode = try await permissions(of: node)?.mode else { return }
        let cleared = Permissions.withoutPrivileges(mode)
        if change.ownership.mode == nil, cleared != mode { change.ownership.mode = cleared }
        guard try await extendedAttributes(of: node)[ExtendedAttributes.capability] != nil else { return }
        change.extended.append(.drop(ExtendedAttributes.capability))
    }

    /// What is known of a file's owner and rights is to be asked for again.
    func renewRights(of node: Node) async throws(FilesystemError) {
        guard storesOwnership, node.content.isFile, !Mutation.rightsAreComputedFromMemory.isPlanted else { return }
        node.forgetAttributes()
        node.staged?.forgetRights()
        guard node.staged?.own == nil else { return }
        let found = try await holder(of: node)
        try await completeRights(of: found.id, node)
    }

    /// Changes attributes of whatever a node stands for. Those of a new file are published with it; of an edit only its
    /// times are, since owner and rights of a file hold at once, and whatever becomes of the edit.
    /// - Parameter meant: the inode that is meant, if somebody has just found out whether he may change that.
    func change(_ node: Node, _ change: InodeChange, to meant: InodeID? = nil) async throws(FilesystemError) {
        var change = change
        try await learnOwn(of: node, change)
        if let staged = node.staged, staged.state == .building {
            (staged.chosenModified, change.modified) = (change.modified ?? staged.chosenModified, nil)
            (staged.chosenAccessed, change.accessed) = (change.accessed ?? staged.chosenAccessed, nil)
            staged.attributesChanged = now()
            guard change != InodeChange() else { return }
            if staged.own != nil {
                staged.hasChosenRights = true
                return try apply(change, to: staged)
            }
            if Mutation.rightsWaitForTheEdit.isPlanted {
                staged.changed = staged.changed.with(change.ownership)
                return
            }
            // What was cleared is what is set now.
            if change.ownership.mode != nil { staged.clearsPrivileges = false }
        }
        try await changeNewest(of: node, change, to: meant)
        guard let capability = change.extended.last(where: { $0.name == ExtendedAttributes.capability }) else { return }
        node.staged?.capability = capability.operation.removes ? nil : capability.value
    }

    /// Changes the version that a node's name leads to. If another one was published at the same time, which may not
    /// have got the change, that is changed as well; its times are its own.
    private func changeNewest(
        of node: Node, _ change: InodeChange, to first: InodeID?
    ) async throws(FilesystemError) {
        var meant: InodeID
        if let first { meant = first } else { meant = try await inodeMeant(by: node) }
        var rights = change
        (rights.modified, rights.accessed) = (nil, nil)
        rights.extended = change.extended.map(\.repeated)
        if rights != .nothing { try await completeRights(of: meant, node) }
        try await changeInode(meant, of: node, change)
        while meant.isFile, numbersFiles, rights != .nothing {
            let before = meant
            do throws(FilesystemError) {
                meant = try await inodeMeant(by: node)
                guard meant != before else { return }
                try await completeRights(of: meant, node)
                if try await has(meant, rights) { return }
                try await changeInode(meant, of: node, rights)
            } catch {
                // Removed since, or replaced by another file.
                guard error.code == ESTALE || error.isRefusal(.fileNotFound) else { throw error }
                return
            }
        }
    }

    /// Whether a version was published after the change.
    private func has(_ version: InodeID, _ change: InodeChange) async throws(FilesystemError) -> Bool {
        guard change.extended.isEmpty else { return false }
        let found = try await posix { () throws(ClientError) in try await client.attributes(of: version) }
        return found.stored.map { $0.ownership.with(change.ownership) == $0.ownership } ?? true
    }

    /// The inode whose attributes are meant by whoever changes those of a node: what its name leads to now, since the
    /// kernel may have looked a moment ago. A file that has lost its name elsewhere is meant as long as it is there,
    /// but not where another one has the name: who looks that up again means the other one.
    func inodeMeant(by node: Node) async throws(FilesystemError) -> InodeID {
        try await settle(node)
        guard node.content.isFile, let place = node.place, !Mutation.changesMeanWhatIsKnown.isPlanted else {
            return node.content
        }
        if let staged = node.staged {
            guard let target = try await target(of: staged) else { throw .stale }
            return target
        }
        do throws(FilesystemError) {
            try await confirm(node)
            return node.content
        } catch {
            guard error.code == ESTALE, numbersFiles else { throw error }
            let target = try await posix { () throws(ClientError) in
                try await client.target(of: place.name, in: place.directory)
            }
            guard target.isNull else { throw error }
        }
        do {
            return try await client.newestVersion(ofFile: node.number, near: node.content).attributes.id
        } catch {
            throw error.isRefusal(.fileNotFound) ? .stale : FilesystemError(error)
        }
    }

    /// Nobody but those who have it open will ever see what an edit has that lost its name: from the first change on it
    /// has all of its own.
    private func learnOwn(of node: Node, _ change: InodeChange) async throws(FilesystemError) {
        guard change.ownership != Ownership() || !change.extended.isEmpty else { return }
        while let staged = node.staged, staged.state == .building, staged.isUnlinked, staged.own == nil {
            let last = try await lastAttributes(of: staged)
            // Meanwhile somebody may have changed it, published it, or given it its name again.
            let isSame = node.staged === staged && staged.state == .building && staged.isUnlinked && staged.own == nil
            guard isSame || Mutation.chmodsOfEditsOvertakeEachOther.isPlanted else { continue }
            guard let last else { return }
            staged.own = last
        }
    }

    private func apply(_ change: InodeChange, to staged: StagedFile) throws(FilesystemError) {
        guard var own = staged.own else { return }
        try own.extended.apply(change.extended)
        own.permissions.mode = change.ownership.mode ?? own.permissions.mode
        own.permissions.user = change.ownership.uid ?? own.permissions.user
        own.permissions.group = change.ownership.gid ?? own.permissions.group
        staged.own = own
    }

    private func changeInode(
        _ content: InodeID, of node: Node, _ change: InodeChange
    ) async throws(FilesystemError) {
        guard keepsAttributes else {
            // The cluster keeps no times for directories but that of their last change.
            guard !content.isDirectory else { return }
            try await posix { () throws(ClientError) in
                try await client.setTimes(content, modified: change.modified, accessed: change.accessed)
            }
            return node.forgetAttributes()
        }
        let known = node.attributes(at: loop.monotonicNanoseconds)
        let done = try await posix { () throws(ClientError) in
            // Even if no answer came it may have been done.
            defer {
                node.forgetAttributes()
                node.staged?.forgetRights()
            }
            return try await client.setAttributes(content, change)
        }
        // Another version is the newest by now, or more has changed than is answered.
        guard let known, let stored = known.stored, done.id == known.id, change.extended.isEmpty else { return }
        remember(
            known.with(
                StoredAttributes(
                    ownership: done.ownership, changed: done.changed, modified: change.modified ?? stored.modified,
                    accessed: change.accessed ?? stored.accessed, special: stored.special,
                    extendedBytes: stored.extendedBytes, holeBytes: stored.holeBytes)), node)
    }

    // MARK: Size

    private func setSize(
        _ node: Node, _ size: UInt64, clears: Bool, through file: OpenFile?
    ) async throws(FilesystemError) {
        // Loses no byte, so it does not stick: programs try how large a file may be.
        guard size <= Self.largestFileBytes else { throw .tooLarge }
        guard node.content.isFile else { throw .isDirectory }
        let writer = file.flatMap { $0.writes ? $0 : nil }
        if size > 0, let failure = writer?.failure { throw failure }
        do throws(FilesystemError) {
            try await inTurn(node, size..<UInt64.max) { turn throws(FilesystemError) in
                try await setSize(node, size, clears: clears, through: writer, turn)
            }
        } catch {
            if let staged = node.staged, staged.failure != nil {
                // Nobody has it open who would be told.
                if node.writers == 0, staged.state == .building { await scrap(staged) }
                throw error
            }
            if let writer { throw lose(writer, "truncate", error) }
            // It goes on, or has its line.
            if !error.isTold { report("truncate", node.place, error) }
            throw error
        }
    }

    private func setSize(
        _ node: Node, _ size: UInt64, clears: Bool, through writer: OpenFile?, _ turn: ChangeLine.Turn
    ) async throws(FilesystemError) {
        // What failed before, while it waited for its turn as well, was about bytes that nobody wants now.
        if size == 0 { writer?.failure = nil }
        if let failure = writer?.failure { throw failure }
        try await settle(node)
        if node.staged == nil { guard try await attributes(of: node).size != size else { return } }
        if let staged = node.staged, staged.failure == nil, staged.size == size {
            staged.wasChanged(at: now())
            return
        }
        let staged = try await stagedForSize(node, size, writer)
        if let failure = writer?.failure { throw failure }
        if let writer {
            writer.changes(staged)
        } else {
            staged.isChanged(byWhoChanged: nil)
            staged.isWanted = true
        }
        clearPrivileges(of: staged, isPrivileged: !clears)
        try await setSize(of: staged, size, turn)
        // Nobody has to close it.
        if !isBeingWritten(staged), !staged.isUnlinked || node.handles == 0,
            let failure = await publish(staged, for: "truncate")
        {
            throw failure
        }
    }

    /// The staged file that is to have this size. What is cut to nothing need not be what was opened.
    private func stagedForSize(
        _ node: Node, _ size: UInt64, _ writer: OpenFile?
    ) async throws(FilesystemError) -> StagedFile {
        if let writer, size > 0 { return try await staged(for: writer, "truncate") }
        let nobody = await creators.creator(.unknown)
        return try await staged(
            node, by: writer?.creator ?? nobody, size == 0 ? .nothing : .everything(appends: false))
    }

    /// Whether somebody who has changed it has it open, and will close it.
    func isBeingWritten(_ staged: StagedFile) -> Bool {
        staged.node.writing.contains { $0.hasChanged(staged) && !$0.isLeft }
    }

    private func setSize(
        of staged: StagedFile, _ size: UInt64, _ turn: ChangeLine.Turn
    ) async throws(FilesystemError) {
        if size == 0 { return try await restart(staged, turn) }
        let present = staged.size
        if size > present { staged.mayHaveHoles = true }
        staged.willChange(min(size, present)..<max(size, present), appends: false)
        try await change(staged, turn, "truncate") { writer async throws(ClientError) in
            try await writer.truncate(to: size)
        }
    }
}
