import Client
import Glibc
import Protocol

extension Mount {
    /// open(2) of a name that does not exist, with O_CREAT.
    func create(_ parent: UInt64, _ name: [UInt8], flags: Int32, thread: Int32) async throws(Errno) -> Answer {
        let place = Place(directory: try directory(parent), name: name)
        let construction = try await construct(place, thread: thread)
        construction.handles = 1
        let handle = open(.constructing(construction))
        return .created(entry(for: construction), OpenedFile(handle: handle))
    }

    /// mknod(2): regular files only; the cluster stores nothing else.
    func makeNode(_ parent: UInt64, _ name: [UInt8], mode: mode_t) async throws(Errno) -> Answer {
        guard mode & S_IFMT == S_IFREG || mode & S_IFMT == 0 else { throw Errno(EPERM) }
        let construction = try await construct(Place(directory: try directory(parent), name: name), thread: 0)
        let number = construction.number
        if let failure = await publish(construction) { throw failure }
        let inode = node(number).content
        let found = try await posix { () throws(ClientError) in try await client.attributes(of: inode) }
        return .entry(entry(found, at: construction.place))
    }

    /// A new file under construction, which this mount sees at `place` from now on.
    private func construct(_ place: Place, thread: Int32) async throws(Errno) -> Construction {
        try Self.checkName(place.name)
        guard places.number(at: place) == nil else { throw .exists }
        let creator = await creator(thread)
        let writer = try await posix { () throws(ClientError) in
            try await client.createFile(in: place.directory, note: place.name)
        }
        let construction = Construction(
            number: NodeNumber.number(writer.id), writer: writer, place: place, creator: creator,
            replacesExisting: false, now: now())
        guard places.number(at: place) == nil else {
            await writer.abandon()
            throw .exists
        }
        begin(construction)
        return construction
    }

    /// Finished files up to this size can be continued at their end, which copies them.
    static let continuableBytes: UInt64 = 16 << 20

    /// Begins a new file in place of a finished one, under the kernel's number of the old one, with the first `keeping`
    /// bytes of it.
    func replace(_ node: Node, creator: CreatorProcess?, keeping: UInt64 = 0) async throws(Errno) -> Construction {
        guard let place = node.place else { throw .stale }
        let content = node.content
        let present = try await posix { () throws(ClientError) in
            try await client.lookup(place.name, in: place.directory)
        }
        guard present.targetId == content else { throw .stale }
        let writer = try await posix { () throws(ClientError) in
            try await client.createFile(in: place.directory, note: place.name)
        }
        if keeping > 0 { try await copy(content, keeping, to: writer) }
        guard node.construction == nil, node.content == content, node.place == place else {
            await writer.abandon()
            throw .stale
        }
        let construction = Construction(
            number: node.number, writer: writer, place: place, creator: creator, replacesExisting: true, now: now())
        begin(construction)
        return construction
    }

    private func copy(_ content: InodeID, _ count: UInt64, to writer: FileWriter) async throws(Errno) {
        let reader = FileReader(client: client, id: content, size: count)
        do {
            var done: UInt64 = 0
            while done < count {
                let bytes = try await reader.read(at: done, count: 1 << 20).bytes
                try await writer.write(bytes, at: done)
                done += UInt64(bytes.count)
            }
        } catch {
            await writer.abandon()
            throw Errno(error)
        }
    }

    /// The handle writes to this file from now on.
    func adopt(_ construction: Construction, _ handle: UInt64) -> Construction {
        if case .constructing(let present)? = handles[handle], present === construction { return construction }
        handles[handle] = .constructing(construction)
        construction.handles += 1
        return construction
    }

    private func begin(_ construction: Construction) {
        constructions[construction.number] = construction
        places.insert(construction.number, at: construction.place)
        let node = nodes.node(for: NodeNumber.inode(construction.number))
        node.construction = construction
        node.place = construction.place
    }
}
