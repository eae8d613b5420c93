import Client
import Glibc
import Protocol

extension Filesystem {
    /// - Parameter handle: the one that the change came through, if it came through one.
    public func setAttributes(
        _ id: NodeID, _ change: AttributeChange, through handle: HandleID?
    ) async throws(FilesystemError) -> Attributes {
        let node = try await met(id)
        defer { nodes.dropIfUnused(node) }
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
        node.forgetTimes()
    }

    // MARK: Size

    private func setSize(_ node: Node, _ size: UInt64, through file: OpenFile?) async throws(FilesystemError) {
        // Loses no byte, so it does not stick: programs try how large a file may be.
        guard size <= Self.largestFileBytes else { throw .tooLarge }
        guard node.content.isFile else { throw .isDirectory }
        let writer = file.flatMap { $0.writes ? $0 : nil }
        if size == 0 { writer?.failure = nil }
        if let failure = writer?.failure { throw failure }
        do throws(FilesystemError) {
            try await settle(node)
            if node.staged == nil { guard try await attributes(of: node).size != size else { return } }
            if let staged = node.staged, staged.failure == nil, staged.size == size {
                staged.modified = now()
                return
            }
            if let writer, size > 0 { try checkCurrent(writer) }
            let nobody = await creators.creator(.unknown)
            let staged = try await staged(
                node, by: writer?.creator ?? nobody, size == 0 ? .nothing : .everything(appends: false))
            if let failure = writer?.failure { throw failure }
            if let writer { writer.changes(staged) } else { staged.isWanted = true }
            try await setSize(of: staged, size)
            // Nobody has to close it.
            if !isBeingWritten(staged), !staged.isUnlinked || node.handles == 0,
                let failure = await publish(staged, for: "truncate")
            {
                throw failure
            }
        } catch {
            if let staged = node.staged, staged.failure != nil {
                // Nobody has it open who would be told.
                if node.writers == 0, staged.state == .building { await scrap(staged) }
                throw error
            }
            if let writer { throw fail(writer, "truncate", error) }
            report("truncate", node.place, error)
            throw error
        }
    }

    /// Whether somebody who has changed it has it open, and will close it.
    private func isBeingWritten(_ staged: StagedFile) -> Bool {
        staged.node.writers > 0 && openFiles.values.contains { $0.hasChanged(staged) && !$0.isLeft }
    }

    private func setSize(of staged: StagedFile, _ size: UInt64) async throws(FilesystemError) {
        if size == 0 { return try await restart(staged) }
        let present = staged.size
        staged.willChange(min(size, present)..<max(size, present), appends: false)
        try await change(staged, "truncate") { writer async throws(ClientError) in
            try await writer.truncate(to: size)
        }
    }
}
