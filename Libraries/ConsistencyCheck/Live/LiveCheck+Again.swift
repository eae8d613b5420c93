import Client
import Protocol
import ShardCore
import Store

extension LiveCheck {
    /// Reads everything again that seems wrong, and keeps only what still does.
    func lookAgain() async throws(ClientError) {
        fresh = FactTable(MemoryStore())
        var again: [Suspicion: Finding] = [:]
        var lost: Set<InodeID> = []
        // Lists of block services say nothing about names, and files come and go while lists are read.
        let ofLists = suspicions.keys.filter { $0.rule == InvariantViolation.Rule.s19.name }
        for suspicion in ofLists { try await readReferencesAgain(of: suspicion.id) }
        for id in Set(Set(suspicions.keys).subtracting(ofLists).map(\.id)).sorted() {
            let findings = try await inspect(id, of: id.shard, into: fresh, counts: false)
            for finding in findings { again[Suspicion(rule: finding.rule, id: id)] = finding }
            let hasEdges = try await readEdges(to: id)
            if !hasEdges && id.isFile { lost.insert(id) }
            if suspicions[Suspicion(rule: ClusterRule.x5.name, id: id)] != nil { try await readOwners(of: id) }
        }
        if !lost.isEmpty { try await search(for: lost) }
        do throws(CheckFailure) {
            for (finding, id) in try Self.differences(in: fresh) {
                again[Suspicion(rule: finding.rule, id: id)] = finding
            }
        } catch {
            throw ClientError(.malformedAnswer, "a comparison", "\(error)")
        }
        suspicions = again.filter { suspicion, _ in
            let seemsMissing = suspicion.rule == ClusterRule.x2.name && unreadableDirectories.contains(suspicion.id)
            return suspicions[suspicion] != nil && !seemsMissing
        }
    }

    /// Looks at the names that an inode had before, and at all in its owner; false when none leads to it.
    private func readEdges(to id: InodeID) async throws(ClientError) -> Bool {
        var edges: [OwningEdge] = []
        for known in knownEdges(to: id) {
            edges += try await owningEdges(of: known.directory, named: known.name) { $0 == id }
        }
        if id.isDirectory, let status = try await status(of: id), !status.owner.isNull {
            edges += try await owningEdges(of: status.owner) { $0 == id }
        }
        for edge in edges { fresh.insert(.edge(edge)) }
        return !edges.isEmpty
    }

    private func knownEdges(to id: InodeID) -> [OwningEdge] {
        let lower = FactTable.key(id, .edge)
        let iterator = table.store.iterator(from: lower, upTo: KeyOrder.upperBound(ofPrefix: lower))
        var edges: [OwningEdge] = []
        iterator.seekToFirst()
        while iterator.isValid {
            iterator.withEntry { key, _ in
                if let edge = OwningEdge(target: id, factKey: key) { edges.append(edge) }
            }
            iterator.next()
        }
        return edges
    }

    private func owningEdges(
        of directory: InodeID, named name: [UInt8]? = nil, where isWanted: (InodeID) -> Bool
    ) async throws(ClientError) -> [OwningEdge] {
        let edges: [Edge]
        do throws(ClientError) {
            edges = try await reader.edges(of: directory, named: name)
        } catch {
            // It is gone, or its shard cannot read it, which rule D is about.
            guard error.code != nil else { throw error }
            return []
        }
        return edges.compactMap { edge in
            guard edge.current || edge.targetId.flag, isWanted(edge.targetId.id) else { return nil }
            let kind: OwningEdge.Kind = !edge.current ? .ownedSnapshot : edge.targetId.flag ? .locked : .current
            return OwningEdge(
                target: edge.targetId.id, directory: directory, name: edge.name, creationTime: edge.creationTime,
                kind: kind)
        }
    }

    /// nil also when its shard cannot read it, which rule D is about.
    private func status(of directory: InodeID) async throws(ClientError) -> StatDirectoryResponse? {
        do throws(ClientError) {
            return try await reader.stat(directory)
        } catch {
            guard error.code != nil else { throw error }
            return nil
        }
    }

    /// The directories between an inode and the root, as far as there are any.
    private func readOwners(of id: InodeID) async throws(ClientError) {
        var seen: Set<InodeID> = []
        var directory = id
        while !directory.isNull, directory != .root, seen.insert(directory).inserted {
            guard let status = try await status(of: directory) else { return }
            let info = (try? status.info.encoded()) ?? []
            fresh.insert(.directory(directory, owner: status.owner, info: info))
            directory = status.owner
        }
    }

    /// Files without a name may have been moved from a directory not read yet to one that had been: every directory is
    /// read once more.
    private func search(for lost: Set<InodeID>) async throws(ClientError) {
        do throws(CheckFailure) {
            try await forEachShard("searching names: directories") { check, shard throws(ClientError) in
                try await check.search(shard, for: lost)
            }
        } catch {
            throw ClientError(.unavailable, "the search for names", "\(error)")
        }
    }

    private func search(_ shard: ShardID, for lost: Set<InodeID>) async throws(ClientError) {
        try await forEachDirectory(of: shard) { check, id throws(ClientError) in
            for edge in try await check.owningEdges(of: id, where: { lost.contains($0) }) {
                check.fresh.insert(.edge(edge))
            }
        }
    }
}
