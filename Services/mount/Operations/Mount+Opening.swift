import Client
import Glibc
import Protocol

extension Mount {
    /// open(2) of a name that exists.
    func open(_ number: UInt64, flags: Int32, thread: Int32) async throws(Errno) -> Answer {
        let node = node(number)
        let isWriting = flags & O_ACCMODE != O_RDONLY
        let truncates = isWriting && flags & O_TRUNC != 0
        if let construction = node.construction {
            if construction.state == .building { return try await join(construction, truncates: truncates) }
            await settle(node)
        }
        guard node.content.isFile else { throw .isDirectory }
        if truncates { return try await openReplacement(of: node, thread) }
        let attributes = try await attributes(of: node)
        if isWriting, flags & O_APPEND != 0, attributes.size > Self.continuableBytes { throw .sealed }
        let reader = FileReader(client: client, id: node.content, size: attributes.size)
        // Contents never change, so what the kernel has cached stays right; but an alias had other contents before.
        let handle = open(isWriting ? .sealed(reader, number: number, opener: thread) : .reading(reader))
        return .opened(OpenedFile(handle: handle, keepsCache: !node.isAlias, skipsFlush: !isWriting))
    }

    /// Another descriptor on a file that is being written through this mount.
    private func join(_ construction: Construction, truncates: Bool) async throws(Errno) -> Answer {
        construction.handles += 1
        do {
            if truncates { try await restart(construction) }
        } catch {
            construction.handles -= 1
            throw error
        }
        return .opened(OpenedFile(handle: open(.constructing(construction)), keepsCache: !truncates))
    }

    private func openReplacement(of node: Node, _ thread: Int32) async throws(Errno) -> Answer {
        let creator = await creator(thread)
        let construction = try await replace(node, creator: creator)
        construction.handles = 1
        return .opened(OpenedFile(handle: open(.constructing(construction))))
    }
}
