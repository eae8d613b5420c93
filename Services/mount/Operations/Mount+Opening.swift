import Client
import Glibc
import Protocol

extension Mount {
    /// open(2) of a name that exists.
    func open(_ number: UInt64, flags: Int32, thread: Int32) async throws(Errno) -> Answer {
        let node = node(number)
        let isWriting = flags & O_ACCMODE != O_RDONLY
        let isDirect = Self.mustBeDirect(flags)
        let truncates = isWriting && flags & O_TRUNC != 0
        if let construction = node.construction {
            if construction.state == .building {
                return try await join(construction, truncates: truncates, isDirect: isDirect)
            }
            try await settle(node)
        }
        guard node.content.isFile else { throw .isDirectory }
        if truncates { return try await openReplacement(of: node, thread, isDirect: isDirect) }
        let attributes = try await attributes(of: node)
        if isWriting, flags & O_APPEND != 0, attributes.size > Self.continuableBytes {
            report("open for appending", node.place, .sealed)
            throw .sealed
        }
        // The kernel looks a stale name up again, by itself. Appending is right even then.
        if isWriting, flags & O_APPEND == 0, let place = node.place { try await checkCurrent(node.content, at: place) }
        let reader = FileReader(client: client, id: node.content, size: attributes.size)
        let handle =
            isWriting
            ? Handle.sealed(
                WritableFile(
                    reader: reader, number: number, opener: thread, place: node.place, isDirect: isDirect))
            : .reading(reader)
        // Contents never change, so what the kernel has cached stays right; but an alias had other contents before.
        let keepsCache = !node.isAlias && !node.hasStaleCache
        node.hasStaleCache = false
        noteAccess(node, attributes, flags: flags)
        return .opened(
            OpenedFile(
                handle: open(handle), keepsCache: keepsCache, isDirect: isDirect, skipsFlush: !isWriting))
    }

    /// Whether the kernel must keep its cache out of it: pages of a shared mapping would come when the file is finished
    /// already, and be lost without a word, so mmap(2) has to refuse. Only what can be read *and* written can be mapped
    /// that way; all else keeps the cache.
    static func mustBeDirect(_ flags: Int32) -> Bool {
        flags & O_ACCMODE == O_RDWR
    }

    /// Another descriptor on a file that is being written through this mount.
    private func join(
        _ construction: Construction, truncates: Bool, isDirect: Bool
    ) async throws(Errno) -> Answer {
        construction.handles += 1
        construction.isDirect = construction.isDirect || isDirect
        do {
            if truncates { try await restart(construction) }
        } catch {
            construction.handles -= 1
            throw error
        }
        // What one handle writes past the cache, another must not read from it.
        return .opened(
            OpenedFile(
                handle: open(.constructing(construction)), keepsCache: !truncates, isDirect: construction.isDirect))
    }

    private func openReplacement(
        of node: Node, _ thread: Int32, isDirect: Bool
    ) async throws(Errno) -> Answer {
        let creator = await creator(thread)
        let construction = try await replace(node, creator: creator, Beginning(isDirect: isDirect))
        construction.handles = 1
        return .opened(OpenedFile(handle: open(.constructing(construction)), isDirect: isDirect))
    }
}
