import Client
import Protocol

/// The namespace, as `Libraries/Client` goes about it, with a record of what was wanted and seen.
extension SimulatedClient {
    func lookup(_ place: Place) async throws(ClientError) -> Meaning {
        let invoked = world.now
        let request = LookupRequest(dirId: place.directory, name: place.name)
        switch await counted(request, shard: place.directory.shard).result {
        case .success(let found):
            let meaning = Meaning(target: found.targetId, creationTime: found.creationTime)
            cluster.names.observed(place, meaning, from: invoked, to: world.now)
            return meaning
        case .failure(let error):
            if error.isRefusal(.nameNotFound) {
                cluster.names.observed(place, nil, from: invoked, to: world.now)
            }
            throw error
        }
    }

    func list(_ directory: InodeID) async throws(ClientError) -> [CurrentEdge] {
        var edges: [CurrentEdge] = []
        var hash = NameHash(rawValue: 0)
        repeat {
            let invoked = world.now
            let page = try await call(
                ReadDirRequest(dirId: directory, startHash: hash, mtu: 1472), shard: directory.shard)
            for edge in page.results {
                cluster.names.observed(
                    Place(directory: directory, name: edge.name),
                    Meaning(target: edge.targetId, creationTime: edge.creationTime), from: invoked, to: world.now)
            }
            edges += page.results
            hash = page.nextHash
        } while hash.rawValue != 0
        return edges
    }

    func history(_ place: Place, limit: UInt16 = 0) async throws(ClientError) -> [Edge] {
        try await call(
            FullReadDirRequest(
                dirId: place.directory, flags: [.backwards, .current, .sameName], startName: place.name,
                startTime: .zero, limit: limit, mtu: 8972),
            shard: place.directory.shard
        ).results
    }

    func makeDirectory(_ place: Place) async throws(ClientError) {
        let intent = want(.makeDirectory(isExclusive: false), place, "mkdir")
        let outcome = await counted(MakeDirectoryRequest(ownerId: place.directory, name: place.name))
        settle([intent], outcome.map { Meaning(target: $0.id, creationTime: $0.creationTime) })
        _ = try outcome.result.get()
    }

    /// As mkdir(2): of several who make a name, one succeeds.
    func makeDirectoryExclusively(_ place: Place) async throws(ClientError) {
        let intent = want(.makeDirectory(isExclusive: true), place, "exclusive mkdir")
        let outcome = await counted(MakeDirectoryExclusiveRequest(ownerId: place.directory, name: place.name))
        settle([intent], outcome.map { Meaning(target: $0.id, creationTime: $0.creationTime) })
        _ = try outcome.result.get()
    }

    func unlink(_ place: Place) async throws(ClientError) {
        let old = try await lookup(place)
        let intent = want(.remove(old), place, old.target.isDirectory ? "rmdir" : "unlink")
        if old.target.isDirectory {
            let outcome = await counted(
                SoftUnlinkDirectoryRequest(
                    ownerId: place.directory, targetId: old.target, creationTime: old.creationTime, name: place.name))
            try await finish(outcome, [intent], place, old)
        } else {
            let outcome = await counted(
                SoftUnlinkFileRequest(
                    ownerId: place.directory, fileId: old.target, name: place.name, creationTime: old.creationTime),
                shard: place.directory.shard)
            try await finish(outcome, [intent], place, old)
        }
    }

    func rename(_ source: Place, to destination: Place) async throws(ClientError) {
        let old = try await lookup(source)
        if old.target.isDirectory, source != destination, let there = cluster.names.meaning(of: destination),
            there.target.isDirectory, there.target != old.target
        {
            return try await replace(there, at: destination, by: old, at: source)
        }
        let intents = [want(.remove(old), source, "rename"), want(.put(old.target), destination, "rename")]
        if source.directory == destination.directory {
            let request = SameDirectoryRenameRequest(
                targetId: old.target, dirId: source.directory, oldName: source.name,
                oldCreationTime: old.creationTime, newName: destination.name)
            if world.random.perMille(500) {
                let outcome = await counted(
                    RenameWithAttributesRequest(rename: request), shard: source.directory.shard)
                try await finish(outcome, intents, source, old)
            } else {
                try await finish(await counted(request, shard: source.directory.shard), intents, source, old)
            }
        } else if old.target.isDirectory {
            let outcome = await counted(
                RenameDirectoryRequest(
                    targetId: old.target, oldOwnerId: source.directory, oldName: source.name,
                    oldCreationTime: old.creationTime, newOwnerId: destination.directory, newName: destination.name))
            try await finish(outcome, intents, source, old)
        } else {
            let outcome = await counted(
                RenameFileRequest(
                    targetId: old.target, oldOwnerId: source.directory, oldName: source.name,
                    oldCreationTime: old.creationTime, newOwnerId: destination.directory, newName: destination.name))
            try await finish(outcome, intents, source, old)
        }
    }

    /// As rename(2) of a directory over another one, which has to be empty.
    private func replace(
        _ there: Meaning, at destination: Place, by old: Meaning, at source: Place
    ) async throws(ClientError) {
        let intents = [want(.remove(old), source, "replacing"), want(.put(old.target), destination, "replacing")]
        let outcome = await counted(
            ReplaceDirectoryRequest(
                targetId: old.target, oldOwnerId: source.directory, oldName: source.name,
                oldCreationTime: old.creationTime, newOwnerId: destination.directory, newName: destination.name,
                replacedId: there.target, replacedCreationTime: there.creationTime))
        try await finish(outcome, intents, source, old)
    }

    /// Brings a removed file back under its name.
    func resurrect(_ place: Place) async throws(ClientError) {
        let snapshots = try await history(place).filter { !$0.current && $0.targetId.flag }
        guard let edge = snapshots.first else { throw ClientError(.refused(.edgeNotFound), "resurrection") }
        let intent = want(.put(edge.targetId.id), place, "resurrection")
        let outcome = await counted(
            SameDirectoryRenameSnapshotRequest(
                targetId: edge.targetId.id, dirId: place.directory, oldName: place.name,
                oldCreationTime: edge.creationTime, newName: place.name),
            shard: place.directory.shard)
        settle([intent], outcome.map { _ in nil })
        _ = try outcome.result.get()
    }

    // MARK: The record

    func want(_ change: Intent.Change, _ place: Place, _ operation: String) -> Intent {
        let intent = Intent(change, place, operation: "client \(number)'s \(operation)", at: world.now)
        cluster.names.add(intent)
        return intent
    }

    /// - Parameter outcome: of the request, with what the name means since.
    func settle(_ intents: [Intent], _ outcome: Outcome<Meaning?>) {
        for intent in intents {
            switch outcome.result {
            case .success(let meaning): intent.end(.succeeded(meaning), at: world.now)
            case .failure(let error):
                let isDefinite = error.code != nil && !error.isOutage && outcome.copies == 1
                intent.end(isDefinite ? .refused : .unknown, at: world.now)
            }
        }
    }

    /// Ends a request that takes a name away: after a repetition an error may hide that it was done (spec B.10).
    private func finish<T>(
        _ outcome: Outcome<T>, _ intents: [Intent], _ place: Place, _ old: Meaning
    ) async throws(ClientError) {
        settle(intents, outcome.map { _ in nil })
        guard case .failure(let error) = outcome.result else { return }
        guard outcome.attempts > 1, error.isRefusal(.edgeNotFound) else { throw error }
        let edges = try await history(place, limit: 2)
        guard edges.count == 2, !edges[0].current, edges[0].targetId.id.isNull, !edges[1].current,
            edges[1].targetId.id == old.target, edges[1].creationTime == old.creationTime
        else { throw error }
    }
}
