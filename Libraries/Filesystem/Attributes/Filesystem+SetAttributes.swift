import Client
import Glibc
import Protocol

extension Filesystem {
    /// - Parameter handle: the one that the change came through, if it came through one.
    public func setAttributes(
        _ id: NodeID, _ change: AttributeChange, through handle: HandleID?
    ) async throws(FilesystemError) -> Attributes {
        let node = node(id)
        if let size = change.size { try await setSize(node, size, through: handle.flatMap { openFiles[$0] }) }
        try await setTimes(node, change)
        return try await attributes(of: node)
    }

    private func setTimes(_ node: Node, _ change: AttributeChange) async throws(FilesystemError) {
        guard change.modified != nil || change.accessed != nil else { return }
        let now = now()
        let modified = change.modified?.timestamp(now)
        let accessed = change.accessed?.timestamp(now)
        if let staged = node.staged, staged.state == .building {
            staged.chosenModified = modified ?? staged.chosenModified
            staged.chosenAccessed = accessed ?? staged.chosenAccessed
            return
        }
        try await settle(node)
        // The cluster keeps no times for directories but that of their last change.
        guard node.content.isFile else { return }
        let content = node.content
        try await posix { () throws(ClientError) in
            try await client.setTimes(content, modified: modified, accessed: accessed)
        }
        node.remember(nil, until: 0)
    }

    // MARK: Size

    private func setSize(_ node: Node, _ size: UInt64, through file: OpenFile?) async throws(FilesystemError) {
        // Loses no byte, so it does not stick: programs try how large a file may be.
        guard size <= Self.largestFileBytes else { throw .tooLarge }
        if node.staged?.state == .publishing { try await settle(node) }
        if let staged = node.staged { return try await setSize(of: staged, size) }
        guard node.content.isFile else { throw .isDirectory }
        do throws(FilesystemError) {
            guard let keeping = try await kept(of: node, size) else { return }
            if let file, file.isWritable {
                try await setSize(node, size, keeping, through: file)
            } else {
                try await setSizeAtOnce(node, size, keeping)
            }
        } catch {
            if let file, file.isWritable, file.staged == nil { throw fail(file, "truncate", error) }
            report("truncate", node.place, error)
            throw error
        }
    }

    /// Of a finished file that nobody has to close.
    private func setSizeAtOnce(_ node: Node, _ size: UInt64, _ keeping: UInt64) async throws(FilesystemError) {
        let creator = await creators.creator(.unknown)
        let staged = try await replace(node, creator: creator, Beginning(keeping: keeping))
        do throws(FilesystemError) {
            try await setSize(of: staged, size)
        } catch {
            await scrap(staged)
            throw error
        }
        if let failure = await publish(staged) { throw failure }
    }

    /// Of a finished file that is open for writing: what comes of it appears when that is closed.
    private func setSize(
        _ node: Node, _ size: UInt64, _ keeping: UInt64, through file: OpenFile
    ) async throws(FilesystemError) {
        // It was finished, perhaps, while somebody had it open.
        let finished = file.staged
        if let failure = finished?.failure ?? file.failure { throw failure }
        let creator = await creators.creator(finished == nil ? file.opener : .unknown)
        let beginning = Beginning(
            keeping: keeping, isDirect: finished?.isDirect ?? file.isDirect,
            formerPlace: finished?.place ?? file.place)
        let staged = try await replace(node, creator: creator, beginning)
        file.adopt(staged)
        try await setSize(of: staged, size)
    }

    /// The size of a finished file changes only by a new file in place of the old one: how much of that it begins with;
    /// nil when nothing has to be done.
    private func kept(of node: Node, _ size: UInt64) async throws(FilesystemError) -> UInt64? {
        let present = try await attributes(of: node).size
        guard size != present else { return nil }
        guard size == 0 || size > present && present <= Self.continuableBytes else { throw .sealed }
        return size == 0 ? 0 : present
    }

    private func setSize(of staged: StagedFile, _ size: UInt64) async throws(FilesystemError) {
        guard staged.state == .building else { throw .sealed }
        if size == 0 { return try await restart(staged) }
        if let failure = staged.failure { throw failure }
        let writer = staged.writer
        do {
            try await writer.truncate(to: size)
        } catch {
            throw fail(staged, "truncate", FilesystemError(error))
        }
        staged.modified = now()
        staged.appendsOnly = false
    }

    /// Makes a staged file empty again, and whole: whatever failed before was about bytes that nobody wants now. What
    /// is stored already cannot be taken back, so it goes on as another file.
    func restart(_ staged: StagedFile) async throws(FilesystemError) {
        staged.modified = now()
        let old = staged.writer
        if staged.sealedBytes == 0, staged.failure == nil {
            staged.base = nil
            return try await posix { () throws(ClientError) in try await old.truncate(to: 0) }
        }
        let place = staged.place
        let fresh = try await posix { () throws(ClientError) in
            try await client.createFile(in: staged.home, note: place.name)
        }
        guard staged.state == .building, staged.writer === old else {
            // Somebody has closed it meanwhile: what he wrote is being published.
            await fresh.abandon()
            throw FilesystemError(EBUSY, "the file is being published")
        }
        staged.base = nil
        staged.writer = fresh
        staged.failure = nil
        loop.task { await old.abandon() }
    }
}
