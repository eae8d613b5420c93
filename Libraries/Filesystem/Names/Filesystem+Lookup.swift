import Client
import Glibc
import Mutations
import Protocol

extension Filesystem {
    /// What a name in a directory leads to. `.` and `..` are for front ends that remember nodes beyond all forgetting,
    /// such as NFS.
    public func lookup(
        _ name: [UInt8], in parent: NodeID, by caller: Caller = .unknown
    ) async throws(FilesystemError) -> Entry {
        if parent.isSnapshot { return try await snapshotEntry(name, inSnapshotsOf: parent.snapshotInode, by: caller) }
        if name == Array(".".utf8) { return try await entry(for: met(parent)) }
        if name == Array("..".utf8) { return try await entry(for: parentNode(of: parent)) }
        try Self.checkName(name)
        let place = Place(directory: try directory(parent), name: name)
        return try await telling("lookup", of: place) { () throws(FilesystemError) in
            guard name == Self.snapshotDirectory else { return try await entry(at: place) }
            if Mutation.hiddenPlacesWin.isPlanted { return try await hiddenEntry(in: parent) }
            do throws(FilesystemError) {
                return try await entry(at: place)
            } catch {
                guard error.isRefusal(.nameNotFound) else { throw error }
                return try await hiddenEntry(in: parent)
            }
        }
    }

    private func entry(at place: Place) async throws(FilesystemError) -> Entry {
        renewDefaults()
        while true {
            if let id = stagedNames.node(at: place), let staged = stagedFiles[id] {
                guard try await target(of: staged) != nil, staged.place == place else { continue }
                return try await entry(for: staged.node)
            }
            let start = moves
            let guess = guess(at: place)
            let edge = try await posix { () throws(ClientError) in
                try await client.lookup(place.name, in: place.directory)
            }
            // Somebody may have begun to write it here meanwhile, or published what the answer does not know.
            guard stagedNames.node(at: place) == nil, let node = try await node(for: edge.targetId, since: start)
            else { continue }
            node.wasLinked(at: edge.creationTime)
            let found = try await entry(for: node, guess)
            if node.staged == nil { stand(node, at: place) }
            return found
        }
    }

    // MARK: Both at once

    /// Attributes that were asked for before it was certain whose are wanted.
    private struct Guess {
        let inode: InodeID
        let answer: Task<Result<InodeAttributes, ClientError>, Never>
        /// `Node.knowledge` when they were asked for.
        let knowledge: UInt64
    }

    /// Whoever looks up once more what he knows wants to know its attributes as well: they are asked for together, of
    /// what the name led to last. Nil where they are known, or nothing is.
    private func guess(at place: Place) -> Guess? {
        guard !Mutation.lookupsWaitForEachOther.isPlanted, let node = hints.node(at: place).flatMap({ nodes[$0] }),
            node.place == place, node.staged == nil,
            node.content.isDirectory || node.attributes(at: loop.monotonicNanoseconds) == nil
        else { return nil }
        let content = node.content
        let answer = loop.task { [client] () -> Result<InodeAttributes, ClientError> in
            do throws(ClientError) {
                return .success(try await client.attributes(of: content))
            } catch {
                return .failure(error)
            }
        }
        return Guess(inode: content, answer: answer, knowledge: node.knowledge)
    }

    /// As `entry(for:)`, if a guess was right without asking again.
    private func entry(for node: Node, _ guess: Guess?) async throws(FilesystemError) -> Entry {
        node.references += 1
        defer { nodes.forget(node.id, 1) }
        guard let guess, guess.inode == node.content, node.staged == nil else { return try await entry(for: node) }
        switch await guess.answer.value {
        case .success(let found):
            // What was done here meanwhile is newer.
            guard node.staged == nil, node.content == found.id, node.knowledge == guess.knowledge else { break }
            remember(found, node)
            node.references += 1
            return Entry(attributes: attributes(found, of: node), validSeconds: caching.names)
        case .failure(let error):
            // Who waits as long again hears the same.
            if error.isOutage { throw FilesystemError(error) }
        }
        return try await entry(for: node)
    }

    /// A node has a name, as was just seen.
    func stand(_ node: Node, at place: Place) {
        node.place = place
        hints.remember(node.id, at: place)
    }

    /// The node of what a name leads to; nil when that is not so any more, because of what was published here.
    private func node(for target: InodeID, since start: UInt64) async throws(FilesystemError) -> Node? {
        if let known = nodes.node(standingFor: target) { return known }
        guard target.isFile else { return nodes.node(for: NodeID(target)) }
        let version = try await posix { () throws(ClientError) in try await client.version(of: target) }
        let node = nodes.node(ofFile: version.number)
        // What is being written here hides it.
        if node.staged != nil { return node }
        let found = await follow(node, to: version, since: start)
        if found !== node { nodes.dropIfUnused(node) }
        return found
    }

    private func parentNode(of id: NodeID) async throws(FilesystemError) -> Node {
        let inode = try directory(id)
        if let known = nodes[id]?.place { return nodes.node(for: NodeID(known.directory)) }
        guard inode != .root else { return nodes.node(for: .root) }
        let owner = try await posix { () throws(ClientError) in try await client.statDirectory(inode) }.owner
        guard !owner.isNull else { throw .stale }
        return nodes.node(for: NodeID(owner))
    }

    /// Gives up `count` references of a node.
    public func forget(_ node: NodeID, _ count: UInt64) {
        nodes.forget(node, count)
    }

    /// An entry of what has just got its name.
    func entry(_ found: InodeAttributes, at place: Place) -> Entry {
        let node = nodes.node(for: NodeID(found.id))
        node.references += 1
        stand(node, at: place)
        remember(found, node)
        return Entry(attributes: attributes(found, of: node), validSeconds: caching.names)
    }

    /// Counts a reference, before it is certain that there will be an answer, so that the node stays.
    func entry(for node: Node) async throws(FilesystemError) -> Entry {
        node.references += 1
        do throws(FilesystemError) {
            return Entry(attributes: try await attributes(of: node), validSeconds: caching.names)
        } catch {
            nodes.forget(node.id, 1)
            throw error
        }
    }
}
