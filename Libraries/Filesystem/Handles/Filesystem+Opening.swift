import Client
import Glibc
import Protocol

extension Filesystem {
    /// open(2) of a name that does not exist, with O_CREAT: a file that only this filesystem sees until it is closed.
    /// - Parameter permissions: its mode, as `caller` asked for it, before his umask.
    public func create(
        _ name: [UInt8], in parent: NodeID, _ mode: OpenMode, permissions: UInt16 = 0o644, by caller: Caller
    ) async throws(FilesystemError) -> CreatedFile {
        try await telling("open", of: place(name, in: parent)) { () throws(FilesystemError) in
            try await createNew(name, in: parent, mode, permissions: permissions, by: caller)
        }
    }

    private func createNew(
        _ name: [UInt8], in parent: NodeID, _ mode: OpenMode, permissions: UInt16, by caller: Caller
    ) async throws(FilesystemError) -> CreatedFile {
        try checkNotEnding()
        let place = Place(directory: try directory(parent), name: name)
        let initial = try await initialAttributes(.file, mode: permissions, in: parent, by: caller)
        let staged = try await stage(place, mode, initial, by: await creators.creator(caller))
        let node = staged.node
        let file = OpenFile(node, mode, by: caller, staged.creator, makes: true)
        file.changes(staged)
        let handle = open(file)
        if mode.isExclusive, options.reservesExclusiveNames, let failure = await publish(staged, for: "open") {
            await release(handle)
            throw failure
        }
        nodes[parent]?.willGrow()
        if node.staged === staged {
            node.references += 1
            let entry = Entry(attributes: attributesOfNew(staged), validSeconds: caching.names)
            return CreatedFile(entry: entry, opened: OpenedFile(handle: handle))
        }
        do {
            return CreatedFile(entry: try await entry(for: node), opened: OpenedFile(handle: handle))
        } catch {
            await release(handle, isInterrupted: true)
            throw error
        }
    }

    /// open(2) of a name that exists.
    public func open(
        _ id: NodeID, _ mode: OpenMode, by caller: Caller
    ) async throws(FilesystemError) -> OpenedFile {
        if id.isSnapshot { return try await openSnapshot(id, mode) }
        return try await telling("open", of: nodes[id]?.place) { () throws(FilesystemError) in
            try await openPresent(id, mode, by: caller)
        }
    }

    private func openPresent(
        _ id: NodeID, _ mode: OpenMode, by caller: Caller
    ) async throws(FilesystemError) -> OpenedFile {
        let node = try await met(id)
        guard node.content.isFile else { throw .isDirectory }
        // So that it stays.
        node.references += 1
        defer { nodes.forget(node.id, 1) }
        if mode.writes && mode.truncates {
            let handle = try await openEmptied(node, mode, by: caller)
            // Not in its turn: a write that waits for that may keep observers from hearing anything.
            await heard(of: node)
            return OpenedFile(handle: handle, keepsCache: false, hasSilentCloses: false)
        }
        try await confirm(node)
        await heard(of: node)
        let handle = open(OpenFile(node, mode, by: caller, await creators.creator(mode.writes ? caller : .unknown)))
        do {
            if node.staged == nil {
                let attributes = try await attributes(of: node)
                if mode.reads, !mode.leavesAccessTime { noteAccess(node, attributes) }
            }
        } catch {
            await release(handle, isInterrupted: true)
            throw error
        }
        return OpenedFile(handle: handle, keepsCache: true, hasSilentCloses: !mode.writes)
    }

    /// O_TRUNC: what is there is replaced by an empty file. Its turn begins when it is asked for: whoever is killed
    /// while he waits for anything here has not emptied what others write later.
    private func openEmptied(
        _ node: Node, _ mode: OpenMode, by caller: Caller
    ) async throws(FilesystemError) -> HandleID {
        var opened: HandleID?
        do throws(FilesystemError) {
            return try await inTurn(node, 0..<UInt64.max) { turn throws(FilesystemError) in
                try await confirm(node)
                let file = OpenFile(node, mode, by: caller, await creators.creator(caller))
                let handle = open(file)
                opened = handle
                try await truncate(file, turn, by: caller)
                return handle
            }
        } catch {
            if let opened { await release(opened, isInterrupted: true) }
            throw error
        }
    }

    private func truncate(
        _ file: OpenFile, _ turn: ChangeLine.Turn, by caller: Caller
    ) async throws(FilesystemError) {
        while true {
            let staged = try await staged(file.node, by: file.creator, .nothing)
            file.changes(staged)
            clearPrivileges(of: staged, for: caller)
            // It may be somebody else's, with something in it.
            try await restart(staged, turn)
            guard staged.state == .building else { continue }
            // What failed before was about bytes that nobody wants now.
            file.failure = nil
            return
        }
    }
}
