import Client
import Protocol

extension Filesystem {
    public func attributes(_ id: NodeID) async throws(FilesystemError) -> Attributes {
        let node = try await met(id)
        defer { nodes.dropIfUnused(node) }
        if let staged = node.staged { staged.toldModified = staged.modified }
        return try await attributes(of: node)
    }

    func attributes(of node: Node) async throws(FilesystemError) -> Attributes {
        if let staged = node.staged { return attributes(of: staged) }
        let now = loop.monotonicNanoseconds
        if let known = node.attributes(at: now) { return attributes(known, of: node.id) }
        let content = node.content
        let found: InodeAttributes
        do {
            found = try await client.attributes(of: content)
        } catch {
            guard content.isFile, error.isRefusal(.fileNotFound), try await followNewest(node) else {
                throw FilesystemError(error)
            }
            return try await attributes(of: node)
        }
        // Replaced, or begun to be written, while we asked: what was found is history.
        guard node.content == content, node.staged == nil else { return try await attributes(of: node) }
        remember(found, node)
        return attributes(found, of: node.id)
    }

    /// Files are remembered for as long as observers may; directories change under us.
    func remember(_ attributes: InodeAttributes, _ node: Node) {
        guard attributes.id.isFile else { return }
        node.remember(attributes, until: loop.monotonicNanoseconds &+ UInt64(caching.files * 1e9))
    }

    func attributes(_ found: InodeAttributes, of node: NodeID) -> Attributes {
        Attributes(
            node: node, type: found.id.type, size: found.size, modified: found.modified, accessed: found.accessed,
            validSeconds: found.id.isFile ? caching.files : caching.names)
    }

    /// To be believed by nobody for any time: every write changes them, and so does publishing.
    func attributes(of staged: StagedFile) -> Attributes {
        Attributes(
            node: staged.node.id, type: .file, size: staged.size, modified: staged.chosenModified ?? staged.modified,
            accessed: staged.chosenAccessed ?? staged.modified, links: staged.isUnlinked ? 0 : 1, validSeconds: 0)
    }
}
