import Client
import Glibc
import Mutations
import Protocol

// Every directory has a hidden one, `.sterna`, which no listing shows: in it are the versions of its files that were
// overwritten or deleted, and directories that were removed, as long as the directory's policy keeps them. They can be
// read, and so copied back. Nothing of it is held: numbers say all.

extension Filesystem {
    package static let snapshotDirectory = Array(".sterna".utf8)

    /// The hidden place of a directory.
    func hiddenEntry(in parent: NodeID) async throws(FilesystemError) -> Entry {
        try await snapshotEntry(NodeID(snapshotsOf: try directory(parent)))
    }

    /// What a name leads to in the place where the snapshots of `owner` are.
    func snapshotEntry(
        _ name: [UInt8], inSnapshotsOf owner: InodeID, by caller: Caller
    ) async throws(FilesystemError) -> Entry {
        // For NFS; others know the way.
        if name == Array(".".utf8) { return try await snapshotEntry(NodeID(snapshotsOf: owner)) }
        guard owner.isDirectory else { throw FilesystemError(ENOTDIR) }
        if name == Array("..".utf8) { return try await entryAbove(owner, for: caller) }
        guard let wanted = SnapshotName(name) else { throw FilesystemError(ENOENT) }
        let cursor = FullReadDirCursor(current: false, startName: wanted.name, startTime: wanted.time)
        let page = try await posix { () throws(ClientError) in
            try await client.readFullDirectoryPage(owner, from: cursor)
        }
        guard let found = page.results.compactMap(Self.listed).first(where: { $0.name == wanted }) else {
            throw FilesystemError(ENOENT)
        }
        guard try await isGone(found.target, from: owner) else { throw FilesystemError(ENOENT) }
        if found.target.isDirectory { snapshots.found(found.target, in: owner) }
        return try await snapshotEntry(NodeID(snapshotsOf: found.target))
    }

    /// Above the hidden place of a directory is that directory; above a removed one the place where it was found.
    private func entryAbove(_ owner: InodeID, for caller: Caller) async throws(FilesystemError) -> Entry {
        guard try await isRemoved(owner) else {
            snapshots.seeksName(caller.thread, in: owner)
            return try await entry(for: nodes.node(for: NodeID(owner)))
        }
        guard let above = snapshots.parent(of: owner) else { throw .stale }
        return try await snapshotEntry(NodeID(snapshotsOf: above))
    }

    private func isRemoved(_ directory: InodeID) async throws(FilesystemError) -> Bool {
        guard directory != .root else { return false }
        do {
            return try await client.statDirectory(directory).owner.isNull
        } catch {
            throw error.isRefusal(.directoryNotFound) ? .stale : FilesystemError(error)
        }
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

    /// Whether a directory was removed there, and not moved: where it is now, or was at last, others may decide who
    /// sees it.
    private func isGone(_ target: InodeID, from place: InodeID) async throws(FilesystemError) -> Bool {
        guard target.isDirectory, !Mutation.movedFilesAreSnapshots.isPlanted else { return true }
        do {
            guard try await client.statDirectory(target).owner.isNull else { return false }
            guard keepsAttributes else { return true }
            return try await client.lastOwner(ofDirectory: target) == place
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
        let above = snapshots.parent(of: directory).map { NodeID(snapshotsOf: $0) } ?? NodeID(directory)
        appendDots(id, above, from: offset, to: &sink)
        var (page, index) = try await snapshotPlace(behind: offset, in: directory)
        while true {
            for listed in page.names[index...] {
                let name = listed.name.bytes
                guard sink.size(nameBytes: name.count) <= sink.room else { return }
                sink.append(
                    ListedEntry(
                        name: name, node: NodeID(snapshotsOf: listed.target), type: listed.target.type,
                        nature: nature(of: listed.target, nil), entry: nil, next: listed.offset))
            }
            guard let next = page.next else { return }
            (page, index) = (try await snapshotPage(of: directory, from: next), 0)
        }
    }

    /// The entries behind one, whatever has become of that. Who looks for it asks for everything before it, unless that
    /// was listed just now.
    private func snapshotPlace(
        behind offset: UInt64, in directory: InodeID
    ) async throws(FilesystemError) -> (SnapshotPage, Int) {
        var start = FullReadDirCursor(current: false, startName: [], startTime: .zero)
        guard offset > SnapshotOffset.behindDots else { return (try await snapshotPage(of: directory, from: start), 0) }
        if let known = snapshots.place(behind: offset, in: directory), !Mutation.listingsForgetTheirPlace.isPlanted {
            return known
        }
        let group = SnapshotOffset.group(offset)
        /// Where its group begins, in case it was collected meanwhile: rather some are listed twice than none.
        var begin: (SnapshotPage, Int)?
        while true {
            let page = try await snapshotPage(of: directory, from: start)
            if let index = page.index(behind: offset) { return (page, index) }
            let isThere = page.names.firstIndex { SnapshotOffset.group($0.offset) >= group }
            begin = begin ?? isThere.map { (page, $0) }
            let isPast = page.names.last.map { SnapshotOffset.group($0.offset) > group } ?? false
            guard !isPast, let next = page.next else { return begin ?? (page, page.names.count) }
            start = next
        }
    }

    private func snapshotPage(
        of directory: InodeID, from start: FullReadDirCursor
    ) async throws(FilesystemError) -> SnapshotPage {
        let answer = try await posix { () throws(ClientError) in
            try await client.readFullDirectoryPage(directory, from: start)
        }
        var names: [ListedSnapshot] = []
        for found in answer.results.compactMap(Self.listed) where try await isGone(found.target, from: directory) {
            names.append(found)
        }
        guard answer.next.startName.isEmpty || answer.next != start else { throw .inputOutput }
        let isEnd = answer.next.startName.isEmpty || answer.next.current
        let page = SnapshotPage(directory: directory, start: start, names: names, next: isEnd ? nil : answer.next)
        snapshots.remember(page)
        return page
    }

    /// Nil for what is no snapshot of the directory's: names that are there, deletions, and files that were moved
    /// elsewhere. Of directories the edge does not say which of the two it was.
    private static func listed(_ edge: Edge) -> ListedSnapshot? {
        let target = edge.targetId.id
        let isOurs = edge.targetId.flag || target.isDirectory || Mutation.movedFilesAreSnapshots.isPlanted
        guard !edge.current, isOurs, !target.isNull else { return nil }
        return ListedSnapshot(SnapshotName(name: edge.name, time: edge.creationTime), target)
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
