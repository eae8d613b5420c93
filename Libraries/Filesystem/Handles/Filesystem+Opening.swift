import Client
import Glibc
import Protocol

extension Filesystem {
    /// open(2) of a name that does not exist, with O_CREAT: a file that only this filesystem sees until it is closed.
    public func create(
        _ name: [UInt8], in parent: NodeID, _ mode: OpenMode, by caller: Caller
    ) async throws(FilesystemError) -> CreatedFile {
        let place = Place(directory: try directory(parent), name: name)
        let staged = try await stage(place, by: caller, isDirect: mode.isDirect)
        if mode.appends, !mode.isExclusive {
            // Another host may begin the same log in the same moment.
            staged.base = .nothing
            staged.appendsOnly = true
        }
        let opened = OpenedFile(handle: open(OpenFile(staged)), isDirect: staged.isDirect)
        return CreatedFile(entry: entry(for: staged), opened: opened)
    }

    /// open(2) of a name that exists.
    public func open(
        _ id: NodeID, _ mode: OpenMode, by caller: Caller
    ) async throws(FilesystemError) -> OpenedFile {
        let node = node(id)
        if let staged = node.staged {
            if staged.state == .building { return try await join(staged, mode) }
            try await settle(node)
        }
        guard node.content.isFile else { throw .isDirectory }
        if mode.writes, mode.truncates { return try await openReplacement(of: node, mode, by: caller) }
        let attributes = try await attributes(of: node)
        if mode.writes, mode.appends, attributes.size > Self.continuableBytes {
            report("open for appending", node.place, .sealed)
            throw .sealed
        }
        // Who is told that it is stale looks it up again. Appending is right even then.
        if mode.writes, !mode.appends, let place = node.place { try await checkCurrent(node.content, at: place) }
        let version = FileReader(client: client, id: node.content, size: attributes.size)
        // Contents never change, so what observers have cached stays right; but an alias had other contents before.
        let keepsCache = !node.isAlias && !node.hasStaleCache
        node.hasStaleCache = false
        if mode.reads, !mode.leavesAccessTime { noteAccess(node, attributes) }
        return OpenedFile(
            handle: open(OpenFile(version, of: node, mode, by: caller)), keepsCache: keepsCache,
            isDirect: mode.isDirect, hasSilentCloses: !mode.writes)
    }

    /// Another descriptor on a file that is being written through this filesystem.
    private func join(_ staged: StagedFile, _ mode: OpenMode) async throws(FilesystemError) -> OpenedFile {
        let truncates = mode.writes && mode.truncates
        staged.isDirect = staged.isDirect || mode.isDirect
        let file = OpenFile(staged)
        do {
            if truncates { try await restart(staged) }
        } catch {
            staged.handles -= 1
            throw error
        }
        // What one handle writes past the cache, another must not read from it.
        return OpenedFile(handle: open(file), keepsCache: !truncates, isDirect: staged.isDirect)
    }

    private func openReplacement(
        of node: Node, _ mode: OpenMode, by caller: Caller
    ) async throws(FilesystemError) -> OpenedFile {
        let creator = await creators.creator(caller)
        let staged = try await replace(node, creator: creator, Beginning(isDirect: mode.isDirect))
        return OpenedFile(handle: open(OpenFile(staged)), isDirect: mode.isDirect)
    }
}
