import Client
import Mutations
import Protocol

extension Filesystem {
    /// Fills `sink` with the names of a directory from `offset` on (`ListingOffset`), 0 being `.` and 1 `..`; those of
    /// staged files are among them. Whatever is given with attributes counts as a reference of its node. Nothing of it is
    /// kept for the next part.
    public func list(
        _ id: NodeID, from offset: UInt64, into sink: inout some ListingSink, by caller: Caller = .unknown
    ) async throws(FilesystemError) {
        if id.isSnapshot { return try await listSnapshots(id, from: offset, into: &sink) }
        let directory = try directory(id)
        let parent = node(id).place.map { NodeID($0.directory) } ?? id
        appendDots(id, parent, from: offset, to: &sink)
        if offset == 0, snapshots.takeSearch(caller.thread, in: directory) {
            sink.append(
                ListedEntry(
                    name: Self.snapshotDirectory, node: NodeID(snapshotsOf: directory), type: .directory,
                    nature: .ordinary, entry: nil, next: 2))
        }
        var offset = max(offset, 2)
        var next: ListingPlace? = ListingPlace(from: ListingOffset.firstHash(of: offset))
        // The cluster's order is another one among names that share the upper bits of their hash, so they wait for all
        // of those.
        var waiting: [ListedName] = []
        while let place = next {
            let page = try await posix { () throws(ClientError) in
                try await client.readDirectoryPage(directory, from: place)
            }
            next = page.next
            waiting += page.names.map { ListedName($0.name, $0.nameHash, NodeID($0.targetId), linked: $0.creationTime) }
            let end = page.next.map { ListingOffset.firstOffset(of: $0.hash) } ?? .max
            guard offset < end else { continue }
            let ready = withStagedNames(waiting.filter { $0.offset < end }, in: directory, offset..<end)
            waiting.removeAll { $0.offset < end }
            guard await append(ready, of: directory, to: &sink) == ready.count else { break }
            offset = end
        }
    }

    /// Names in order, those of new staged files among them. Those of edits the cluster knows, or others have removed.
    private func withStagedNames(
        _ listed: [ListedName], in directory: InodeID, _ range: Range<UInt64>
    ) -> [ListedName] {
        let staged = stagedNames.names(in: directory, from: ListingOffset.firstHash(of: range.lowerBound))
            .filter { stagedFiles[$0.node]?.isNew == true }
            .map { ListedName($0.name, $0.hash, $0.node, linked: nil) }
        let names = Set(staged.map(\.name))
        return (listed.filter { !names.contains($0.name) } + staged)
            .filter { range.contains($0.offset) }.sorted { $0.offset < $1.offset }
    }

    func appendDots(_ id: NodeID, _ parent: NodeID, from offset: UInt64, to sink: inout some ListingSink) {
        let dots: [(name: [UInt8], node: NodeID, next: UInt64)] = [
            ([UInt8(ascii: ".")], id, 1), ([UInt8(ascii: "."), UInt8(ascii: ".")], parent, 2),
        ]
        for (name, node, next) in dots where offset < next {
            sink.append(
                ListedEntry(name: name, node: node, type: .directory, nature: .ordinary, entry: nil, next: next))
        }
    }

    /// Adds names as long as there is room; returns how many.
    private func append(
        _ names: [ListedName], of directory: InodeID, to sink: inout some ListingSink
    ) async -> Int {
        let fitting = Self.fitting(names, in: sink)
        let entries = sink.wantsAttributes ? await entries(for: names[..<fitting]) : [:]
        for index in 0..<fitting {
            let listed = names[index]
            let isLastThere = index + 1 == names.count || names[index + 1].offset != listed.offset
            // Removed since it was listed, or unknown for another reason: who wants to know can ask for it.
            let entry = entries[index]
            if let node = entry.flatMap({ nodes[$0.node] }) {
                node.references += 1
                if node.staged == nil { stand(node, at: Place(directory: directory, name: listed.name)) }
            }
            sink.append(
                ListedEntry(
                    name: listed.name, node: entry?.node ?? listed.node, type: listed.node.inode.type,
                    nature: nature(of: listed.node.inode, entry), entry: entry,
                    // Going on at one of several names with an offset repeats them rather than losing some.
                    next: listed.offset + (isLastThere ? 1 : 0)))
        }
        return fitting
    }

    /// What is known of it without asking. Whoever wants to know it of ordinary files has to ask for each, since a name
    /// does not tell.
    func nature(of inode: InodeID, _ entry: Entry?) -> FileNature {
        if let known = entry?.attributes { return known.special.map(FileNature.special) ?? .ordinary }
        guard inode.type == .file, keepsAttributes, !Mutation.specialFilesAreListedAsPlain.isPlanted else {
            return .ordinary
        }
        guard let node = nodes.node(standingFor: inode) ?? nodes[NodeID(inode)] else { return .unknown }
        if let staged = node.staged { return staged.special.map(FileNature.special) ?? .ordinary }
        return node.content == inode ? node.nature ?? .unknown : .unknown
    }

    /// How many of the names fit, whole groups of one offset only.
    private static func fitting(_ names: [ListedName], in sink: some ListingSink) -> Int {
        var room = sink.room
        var fitting = 0
        var index = 0
        while index < names.count {
            var end = index
            var needed = 0
            repeat {
                needed += sink.size(nameBytes: names[end].name.count)
                end += 1
            } while end < names.count && names[end].offset == names[index].offset
            guard needed <= room else { break }
            room -= needed
            fitting = end
            index = end
        }
        return fitting
    }

    /// Attributes of many nodes at once; those that cannot be had are left out.
    private func entries(for names: ArraySlice<ListedName>) async -> [Int: Entry] {
        var entries: [Int: Entry] = [:]
        var missing: [(index: Int, inode: InodeID)] = []
        let now = loop.monotonicNanoseconds
        let start = moves
        for index in names.indices {
            let id = names[index].node
            // A staged file's own number, or what the cluster says that a name leads to.
            let node = nodes.node(standingFor: id.inode) ?? nodes[id]
            if let linked = names[index].linked { node?.wasLinked(at: linked) }
            if let node, let staged = node.staged {
                entries[index] = Entry(attributes: attributes(of: staged), validSeconds: caching.names)
            } else if let node, node.content == id.inode, id.inode.isFile, let known = node.attributes(at: now) {
                entries[index] = Entry(attributes: attributes(known, of: node), validSeconds: caching.names)
            } else {
                missing.append((index, id.inode))
            }
        }
        for (index, version) in await ask(missing) {
            entries[index] = attributes(of: version, names[index].linked, since: start).map {
                Entry(attributes: $0, validSeconds: caching.names)
            }
        }
        return entries
    }

    /// What is known of the node that a name leads to, which is there from now on; nil when that has to be looked into.
    private func attributes(of version: FileVersion, _ linked: Timestamp?, since start: UInt64) -> Attributes? {
        let found = version.attributes
        let node = found.id.isFile ? nodes.node(ofFile: version.number) : nodes.node(for: NodeID(found.id))
        if let linked { node.wasLinked(at: linked) }
        guard found.id.isFile else { return attributes(found, of: node) }
        if let staged = node.staged { return attributes(of: staged) }
        // Published here since it was listed, or held by somebody who knows an older one.
        guard node.lastMove <= start, node.content == found.id || !node.isHeld else { return nil }
        move(node, to: version)
        return attributes(found, of: node)
    }

    /// Versions of files, and directories.
    private func ask(_ missing: [(index: Int, inode: InodeID)]) async -> [(Int, FileVersion)] {
        let client = client
        return await withTaskGroup(of: (Int, FileVersion?).self) { group in
            for (index, inode) in missing {
                group.addTask(executorPreference: client.loop) {
                    guard inode.isDirectory else { return (index, try? await client.version(of: inode)) }
                    let found = try? await client.attributes(of: inode)
                    return (index, found.map { FileVersion(number: inode, attributes: $0) })
                }
            }
            var found: [(Int, FileVersion)] = []
            for await (index, version) in group {
                if let version { found.append((index, version)) }
            }
            return found
        }
    }
}
