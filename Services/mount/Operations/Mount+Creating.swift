import Client
import Glibc
import Protocol

extension Mount {
    /// open(2) of a name that does not exist, with O_CREAT.
    func create(_ parent: UInt64, _ name: [UInt8], flags: Int32, thread: Int32) async throws(Errno) -> Answer {
        let place = Place(directory: try directory(parent), name: name)
        let construction = try await construct(place, thread: thread, isDirect: Self.mustBeDirect(flags))
        construction.handles = 1
        if flags & O_APPEND != 0, flags & O_EXCL == 0 {
            // Another host may begin the same log in the same moment.
            construction.base = .nothing
            construction.appendsOnly = true
        }
        let opened = OpenedFile(handle: open(.constructing(construction)), isDirect: construction.isDirect)
        return .created(entry(for: construction), opened)
    }

    /// mknod(2): regular files only; the cluster stores nothing else.
    func makeNode(_ parent: UInt64, _ name: [UInt8], mode: mode_t) async throws(Errno) -> Answer {
        guard mode & S_IFMT == S_IFREG || mode & S_IFMT == 0 else { throw Errno(EPERM) }
        let place = Place(directory: try directory(parent), name: name)
        let construction = try await construct(place, thread: 0, isDirect: false)
        if let failure = await publish(construction) { throw failure }
        let inode = construction.writer.id
        let found = try await posix { () throws(ClientError) in try await client.attributes(of: inode) }
        return .entry(entry(found, at: construction.place))
    }

    /// A new file under construction, which this mount sees at `place` from now on.
    private func construct(_ place: Place, thread: Int32, isDirect: Bool) async throws(Errno) -> Construction {
        try Self.checkName(place.name)
        guard places.number(at: place) == nil else { throw .exists }
        let creator = await creator(thread)
        let writer = try await posix { () throws(ClientError) in
            try await client.createFile(in: place.directory, note: place.name)
        }
        let construction = Construction(
            number: NodeNumber.number(writer.id), writer: writer, place: place, creator: creator,
            replacesExisting: false, isDirect: isDirect, now: now())
        guard places.number(at: place) == nil else {
            await writer.abandon()
            throw .exists
        }
        begin(construction)
        return construction
    }

    /// More is refused before anything is done: every 4 GiB of a hole are a span of their own.
    static let largestFileBytes = ClientLimits.fileBytes

    /// Finished files up to this size can be continued at their end, which copies them.
    static let continuableBytes: UInt64 = 16 << 20

    /// Begins a new file in place of a finished one, under the kernel's number of the old one.
    func replace(
        _ node: Node, creator: CreatorProcess?, _ beginning: Beginning
    ) async throws(Errno) -> Construction {
        guard let place = node.place ?? beginning.formerPlace else { throw .stale }
        let (content, keeping, hasName) = (node.content, beginning.keeping, node.place != nil)
        // What is appended goes behind whatever the name leads to in the end; all else must not be done to a file that
        // has been replaced.
        if hasName, !beginning.appends { try await checkCurrent(content, at: place) }
        let writer = try await posix { () throws(ClientError) in
            try await client.createFile(in: place.directory, note: place.name)
        }
        try await copy(content, 0..<keeping, to: writer, at: 0)
        guard node.construction == nil, node.content == content, (node.place != nil) == hasName,
            !hasName || node.place == place
        else {
            await writer.abandon()
            throw .stale
        }
        let construction = Construction(
            number: node.number, writer: writer, place: place, creator: creator, replacesExisting: hasName,
            isDirect: beginning.isDirect, now: now())
        // Who replaces everything wants that whatever was there.
        construction.base = keeping > 0 || beginning.appends ? Base(id: content, size: keeping) : nil
        construction.appendsOnly = beginning.appends
        construction.isUnlinked = !hasName
        begin(construction)
        return construction
    }

    /// Checks that a name leads to this file at the cluster, too.
    func checkCurrent(_ content: InodeID, at place: Place) async throws(Errno) {
        let target = try await posix { () throws(ClientError) in
            try await client.target(of: place.name, in: place.directory)
        }
        guard target == content else { throw .stale }
    }

    /// The handle writes to this file from now on.
    func adopt(_ construction: Construction, _ handle: UInt64) -> Construction {
        if case .constructing(let present)? = handles[handle], present === construction { return construction }
        if case .sealed(let file)? = handles[handle], file.isDirect { construction.isDirect = true }
        handles[handle] = .constructing(construction)
        construction.handles += 1
        return construction
    }

    private func begin(_ construction: Construction) {
        constructions[construction.number] = construction
        let node = nodes.node(for: NodeNumber.inode(construction.number))
        node.construction = construction
        guard !construction.isUnlinked else { return }
        places.insert(construction.number, at: construction.place)
        node.place = construction.place
    }
}
