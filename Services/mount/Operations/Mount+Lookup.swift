import Client
import Glibc
import Protocol

extension Mount {
    func lookup(_ parent: UInt64, _ name: [UInt8]) async throws(Errno) -> Answer {
        try Self.checkName(name)
        let place = Place(directory: try directory(parent), name: name)
        if let number = places.number(at: place), let construction = constructions[number] {
            return .entry(entry(for: construction))
        }
        let found = try await posix { () throws(ClientError) in try await client.lookup(name, in: place.directory) }
        // Counted before it is certain, so that the node stays while we ask.
        let node = nodes.node(for: found.targetId)
        node.lookups += 1
        do {
            let attributes = try await attributes(of: node)
            node.place = place
            return .entry(Entry(attributes: attributes, validSeconds: caching.names))
        } catch {
            nodes.forget(node.number, 1)
            throw error
        }
    }

    /// An entry for the kernel, which will count a lookup, of what has just got its name.
    func entry(_ found: InodeAttributes, at place: Place) -> Entry {
        let node = nodes.node(for: found.id)
        node.lookups += 1
        node.place = place
        remember(found, node)
        return Entry(attributes: attributes(found, number: node.number), validSeconds: caching.names)
    }

    func entry(for construction: Construction) -> Entry {
        let node = nodes.node(for: NodeNumber.inode(construction.number))
        node.lookups += 1
        return Entry(attributes: attributes(of: construction), validSeconds: caching.names)
    }

    func forget(_ number: UInt64, _ count: UInt64) {
        nodes.forget(number, count)
    }

    // MARK: Attributes

    func getAttributes(_ number: UInt64) async throws(Errno) -> Answer {
        let node = node(number)
        if let construction = node.construction { construction.toldModified = construction.modified }
        return .attributes(try await attributes(of: node))
    }

    func attributes(of node: Node) async throws(Errno) -> Attributes {
        if let construction = node.construction { return attributes(of: construction) }
        let now = loop.monotonicNanoseconds
        if let known = node.attributes(at: now) { return attributes(known, number: node.number) }
        let content = node.content
        let found = try await posix { () throws(ClientError) in try await client.attributes(of: content) }
        // Replaced while we asked: what was found is history.
        guard node.content == content else { return try await attributes(of: node) }
        remember(found, node)
        return attributes(found, number: node.number)
    }

    /// Files are remembered for as long as the kernel may; directories change under us.
    func remember(_ attributes: InodeAttributes, _ node: Node) {
        guard attributes.id.isFile else { return }
        node.remember(attributes, until: loop.monotonicNanoseconds &+ UInt64(caching.files * 1e9))
    }

    func attributes(_ found: InodeAttributes, number: UInt64) -> Attributes {
        Attributes(
            number: number, type: found.id.type, size: found.size, modified: found.modified, accessed: found.accessed,
            validSeconds: found.id.isFile ? caching.files : caching.names)
    }

    /// Never believed by the kernel: every write changes them, and so does publishing.
    func attributes(of construction: Construction) -> Attributes {
        Attributes(
            number: construction.number, type: .file, size: construction.size,
            modified: construction.chosenModified ?? construction.modified,
            accessed: construction.chosenAccessed ?? construction.modified,
            links: construction.isUnlinked ? 0 : 1, validSeconds: 0)
    }
}
