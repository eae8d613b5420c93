import Client
import Glibc
import Mutations
import Protocol

// Every directory has a hidden one, `.sterna`, which no listing shows: in it are the versions of its files that were
// overwritten or deleted, and directories that were removed, as long as the directory's policy keeps them. They can be
// read, and so copied back. Nothing of it is held: numbers say all.

extension Filesystem {
    package static let snapshotDirectory = Array(".sterna".utf8)

    /// What a name leads to that is only in snapshots; nil: look for it among what there is.
    func snapshotEntry(_ name: [UInt8], in parent: NodeID) async throws(FilesystemError) -> Entry? {
        if parent.isSnapshot { return try await snapshotEntry(name, inSnapshotsOf: parent.snapshotInode) }
        guard name == Self.snapshotDirectory else { return nil }
        return try await snapshotEntry(NodeID(snapshotsOf: try directory(parent)))
    }

    private func snapshotEntry(
        _ name: [UInt8], inSnapshotsOf owner: InodeID
    ) async throws(FilesystemError) -> Entry {
        // For NFS; others know the way.
        if name == Array(".".utf8) { return try await snapshotEntry(NodeID(snapshotsOf: owner)) }
        guard owner.isDirectory else { throw FilesystemError(ENOTDIR) }
        guard let wanted = SnapshotName(name) else { throw FilesystemError(ENOENT) }
        let cursor = FullReadDirCursor(current: false, startName: wanted.name, startTime: wanted.time)
        let page = try await posix { () throws(ClientError) in
            try await client.readFullDirectoryPage(owner, from: cursor)
        }
        guard let found = page.results.compactMap(Self.listed).first(where: { $0.name == wanted }) else {
            throw FilesystemError(ENOENT)
        }
        guard try await isGone(found.target) else { throw FilesystemError(ENOENT) }
        return try await snapshotEntry(NodeID(snapshotsOf: found.target))
    }

    private func snapshotEntry(_ id: NodeID) async throws(FilesystemError) -> Entry {
        Entry(attributes: try await snapshotAttributes(id), validSeconds: caching.names)
    }

    func snapshotAttributes(_ id: NodeID) async throws(FilesystemError) -> Attributes {
        let found = try await posix { () throws(ClientError) in try await client.attributes(of: id.snapshotInode) }
        // A node that nobody will ever find.
        var attributes = attributes(found, of: Node(id: id))
        attributes.validSeconds = caching.names
        // Nobody could take them from a program that was replaced because of what it did with them.
        if !Mutation.oldProgramsKeepRights.isPlanted {
            attributes.permissions?.mode &= ~(Permissions.setUser | Permissions.setGroup)
        }
        return attributes
    }

    /// Whether a directory was removed, and not moved: where it is now others may decide who sees it.
    private func isGone(_ target: InodeID) async throws(FilesystemError) -> Bool {
        guard target.isDirectory, !Mutation.movedFilesAreSnapshots.isPlanted else { return true }
        do {
            return try await client.statDirectory(target).owner.isNull
        } catch {
            guard error.isRefusal(.directoryNotFound) else { throw FilesystemError(error) }
            return false
        }
    }

    func snapshotExtendedAttributes(_ id: NodeID) async throws(FilesystemError) -> ExtendedAttributes {
        var all = ExtendedAttributes(
            try await posix { () throws(ClientError) in try await client.extendedAttributes(of: id.snapshotInode) })
        if !Mutation.oldProgramsKeepRights.isPlanted { all[ExtendedAttributes.capability] = nil }
        return all
    }

    // MARK: Listing

    /// As `list`: `.` and `..` come first, then the names in the cluster's order.
    func listSnapshots(
        _ id: NodeID, from offset: UInt64, into sink: inout some ListingSink
    ) async throws(FilesystemError) {
        let directory = id.snapshotInode
        guard directory.isDirectory else { throw FilesystemError(ENOTDIR) }
        let names: [OpenSnapshots.Listed]
        if offset > 0, let known = snapshots.listing(of: directory) {
            names = known
        } else {
            names = try await snapshotNames(of: directory)
            snapshots.remember(names, of: directory)
        }
        let dots: [(name: [UInt8], node: NodeID, type: InodeType)] = [".", ".."].map {
            (Array($0.utf8), id, .directory)
        }
        let all = dots + names.map { ($0.name.bytes, NodeID(snapshotsOf: $0.target), $0.target.type) }
        for (index, entry) in all.enumerated().dropFirst(Int(clamping: offset)) {
            guard sink.size(nameBytes: entry.name.count) <= sink.room else { return }
            sink.append(
                ListedEntry(name: entry.name, node: entry.node, type: entry.type, entry: nil, next: UInt64(index) + 1))
        }
        // Whoever comes to the end of it has seen all; what happens afterwards is for the next one.
        if Int(clamping: offset) >= all.count { snapshots.forgetListing(of: directory) }
    }

    private func snapshotNames(of directory: InodeID) async throws(FilesystemError) -> [OpenSnapshots.Listed] {
        var names: [OpenSnapshots.Listed] = []
        var cursor = FullReadDirCursor(current: false, startName: [], startTime: .zero)
        repeat {
            let start = cursor
            let page = try await posix { () throws(ClientError) in
                try await client.readFullDirectoryPage(directory, from: start)
            }
            for found in page.results.compactMap(Self.listed) where try await isGone(found.target) {
                names.append(found)
            }
            guard page.next.startName.isEmpty || page.next != cursor else { throw .inputOutput }
            cursor = page.next
        } while !cursor.startName.isEmpty && !cursor.current
        return names
    }

    /// Nil for what is no snapshot of the directory's: names that are there, deletions, and files that were moved
    /// elsewhere. Of directories the edge does not say which of the two it was.
    private static func listed(_ edge: Edge) -> OpenSnapshots.Listed? {
        let target = edge.targetId.id
        let isOurs = edge.targetId.flag || target.isDirectory || Mutation.movedFilesAreSnapshots.isPlanted
        guard !edge.current, isOurs, !target.isNull else { return nil }
        return OpenSnapshots.Listed(name: SnapshotName(name: edge.name, time: edge.creationTime), target: target)
    }

    // MARK: Reading

    func openSnapshot(_ id: NodeID, _ mode: OpenMode) async throws(FilesystemError) -> OpenedFile {
        guard id.snapshotInode.isFile else { throw .isDirectory }
        guard !mode.writes else { throw .readOnly }
        let size = try await snapshotAttributes(id).size
        let handle = nextHandle()
        snapshots.readers[handle] = FileReader(client: client, id: id.snapshotInode, size: size)
        return OpenedFile(handle: handle, keepsCache: true, hasSilentCloses: true)
    }
}
