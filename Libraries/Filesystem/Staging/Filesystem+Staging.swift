import Client
import Glibc
import Protocol

extension Filesystem {
    /// More is refused before anything is done: every 4 GiB of a hole are a span of their own.
    static let largestFileBytes = ClientLimits.fileBytes

    /// Finished files up to this size can be continued at their end, which copies them.
    static let continuableBytes: UInt64 = 16 << 20

    /// A new file, which this filesystem sees at `place` from now on.
    func stage(_ place: Place, by caller: Caller, isDirect: Bool) async throws(FilesystemError) -> StagedFile {
        try Self.checkName(place.name)
        guard stagedNames.node(at: place) == nil else { throw .exists }
        let creator = await creators.creator(caller)
        let writer = try await posix { () throws(ClientError) in
            try await client.createFile(in: place.directory, note: place.name)
        }
        guard stagedNames.node(at: place) == nil else {
            await writer.abandon()
            throw .exists
        }
        let staged = StagedFile(
            node: NodeID(writer.id), writer: writer, place: place, creator: creator, replacesExisting: false,
            isDirect: isDirect, now: now())
        begin(staged)
        return staged
    }

    /// A new file in place of a finished one, under the node of the old one.
    func replace(
        _ node: Node, creator: any Creator, _ beginning: Beginning
    ) async throws(FilesystemError) -> StagedFile {
        guard let place = node.place ?? beginning.formerPlace else { throw .stale }
        let (content, keeping, hasName) = (node.content, beginning.keeping, node.place != nil)
        // What is appended goes behind whatever the name leads to in the end; all else must not be done to a file that
        // has been replaced.
        if hasName, !beginning.appends { try await checkCurrent(content, at: place) }
        let writer = try await posix { () throws(ClientError) in
            try await client.createFile(in: place.directory, note: place.name)
        }
        try await copy(content, 0..<keeping, to: writer, at: 0)
        guard node.staged == nil, node.content == content, (node.place != nil) == hasName,
            !hasName || node.place == place
        else {
            await writer.abandon()
            throw .stale
        }
        let staged = StagedFile(
            node: node.id, writer: writer, place: place, creator: creator, replacesExisting: hasName,
            isDirect: beginning.isDirect, now: now())
        // Who replaces everything wants that whatever was there.
        staged.base = keeping > 0 || beginning.appends ? Base(id: content, size: keeping) : nil
        staged.appendsOnly = beginning.appends
        staged.isUnlinked = !hasName
        begin(staged)
        return staged
    }

    /// Checks that a name leads to this file at the cluster, too.
    func checkCurrent(_ content: InodeID, at place: Place) async throws(FilesystemError) {
        let target = try await posix { () throws(ClientError) in
            try await client.target(of: place.name, in: place.directory)
        }
        guard target == content else { throw .stale }
    }

    private func begin(_ staged: StagedFile) {
        stagedFiles[staged.node] = staged
        let node = nodes.node(for: staged.node)
        node.staged = staged
        guard !staged.isUnlinked else { return }
        stagedNames.insert(staged.node, at: staged.place)
        node.place = staged.place
    }

    // MARK: By name

    /// The staged file at a place, once it is certain whether it still is.
    func stagedFile(at place: Place) async throws(FilesystemError) -> StagedFile? {
        while let node = stagedNames.node(at: place), let staged = stagedFiles[node] {
            guard staged.state == .publishing, let publication = staged.publication else { return staged }
            guard await patience.outcome(of: publication) != nil else { throw .timedOut }
        }
        return nil
    }

    /// Takes the name from a staged file; it is scrapped with its last handle.
    func detach(_ staged: StagedFile) {
        staged.isUnlinked = true
        stagedNames.remove(staged.node, at: staged.place)
        nodes[staged.node]?.place = nil
    }
}
