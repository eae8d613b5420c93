import Protocol

// Directories, and what the coordinator does between them.

extension NamespaceModel {
    mutating func setInfo(_ id: InodeID, _ info: [DirectoryInfoTag: [UInt8]]) throws(ProtocolError) {
        let directory = try any(id)
        // A snapshot directory inherits nothing, so it keeps what it is not told anew (X9).
        let kept = id != .root && directory.owner == .null ? directory.info : [:]
        directories[id]?.info = info.merging(kept) { new, _ in new }
    }

    mutating func makeDirectory(
        _ owner: InodeID, _ name: [UInt8], _ change: InodeAttributeChange?, _ newID: InodeID?
    ) throws(ProtocolError) -> Reply {
        try Self.check(name)
        var attributes = Attributes()
        if let change { try attributes.apply(change) }
        var directory = try live(owner)
        if let edge = directory.current[name] {
            // A repetition must look like success.
            guard edge.target.isDirectory else { throw .cannotOverrideName }
            return .directory(edge.target, since: edge.since)
        }
        guard let id = newID, id.isDirectory, everMade.insert(id).inserted else { throw .internalError }
        directories[id] = Directory(owner: owner)
        self.attributes[id] = attributes
        if let change { setTimes(of: id, change) }
        try create(name, id, in: &directory)
        directories[owner] = directory
        return .directory(id, since: now)
    }

    mutating func removeDirectory(_ edge: NamespaceRequest.Edge) throws(ProtocolError) {
        guard edge.target.isDirectory else { throw .typeIsNotDirectory }
        guard edge.target != .root else { throw .cannotRemoveRootDirectory }
        try Self.check(edge.name)
        try checkMeant(edge, in: try live(edge.directory))
        // Whatever happens now, the edge is not locked afterwards.
        directories[edge.directory]?.current[edge.name]?.isLocked = false
        guard var victim = directories[edge.target] else { throw .directoryNotFound }
        guard victim.current.isEmpty else { throw .directoryNotEmpty }
        victim.info = resolvedInfo(of: edge.target)
        victim.owner = .null
        directories[edge.target] = victim
        var directory = try live(edge.directory)
        end(edge.name, in: &directory, isOwned: false)
        directories[edge.directory] = directory
    }

    /// The nearest policy of each kind, from the directory up to the root.
    private func resolvedInfo(of id: InodeID) -> [DirectoryInfoTag: [UInt8]] {
        var info: [DirectoryInfoTag: [UInt8]] = [:]
        var next: InodeID? = id
        while let here = next, let directory = directories[here] {
            for (tag, body) in directory.info where DirectoryInfoTag.known.contains(tag) && info[tag] == nil {
                info[tag] = body
            }
            next = here == .root ? nil : directory.owner
        }
        return info
    }

    mutating func move(
        _ edge: NamespaceRequest.Edge, _ newOwner: InodeID, _ name: [UInt8]
    ) throws(ProtocolError) -> Moment {
        guard edge.directory != newOwner else { throw .sameDirectories }
        try Self.check(edge.name)
        try Self.check(name)
        if edge.target.isDirectory { try checkLoop(edge.target, newOwner) }
        guard let source = try? live(edge.directory) else { throw .oldDirectoryNotFound }
        try checkMeant(edge, in: source)
        // Whatever happens now, the edge is not locked afterwards.
        directories[edge.directory]?.current[edge.name]?.isLocked = false
        guard var destination = try? live(newOwner) else { throw .newDirectoryNotFound }
        // A name that somebody else holds: the coordinator is told that it stands for something else.
        if destination.current[name]?.isLocked == true { throw .mismatchingTarget }
        try create(name, edge.target, in: &destination)
        directories[newOwner] = destination
        if var source = directories[edge.directory] {
            end(edge.name, in: &source, isOwned: false)
            directories[edge.directory] = source
        }
        if edge.target.isDirectory { directories[edge.target]?.owner = newOwner }
        return now
    }

    /// The name never stops existing: what it was becomes history without a marker.
    mutating func replace(
        _ edge: NamespaceRequest.Edge, over there: NamespaceRequest.Edge
    ) throws(ProtocolError) -> Moment {
        guard edge.target.isDirectory, there.target.isDirectory else { throw .typeIsNotDirectory }
        try Self.check(edge.name)
        try Self.check(there.name)
        guard edge.target != there.target else { throw .sameSourceAndDestination }
        try checkLoop(edge.target, there.directory)
        try lockBoth(edge, there)
        guard var victim = directories[there.target] else { throw .directoryNotFound }
        guard victim.current.isEmpty else { throw .directoryNotEmpty }
        victim.info = resolvedInfo(of: there.target)
        victim.owner = .null
        directories[there.target] = victim
        directories[there.directory]?.history[there.name, default: []].append(
            Past(since: there.since, target: there.target, isOwned: false))
        directories[there.directory]?.current[there.name] = Current(target: edge.target, since: now)
        directories[there.directory]?.version += 1
        if var source = directories[edge.directory] {
            end(edge.name, in: &source, isOwned: false)
            directories[edge.directory] = source
        }
        directories[edge.target]?.owner = there.directory
        return now
    }

    /// Whatever happens then, neither edge is locked afterwards that was what the request says.
    private mutating func lockBoth(
        _ edge: NamespaceRequest.Edge, _ there: NamespaceRequest.Edge
    ) throws(ProtocolError) {
        var refusals: [ProtocolError] = []
        for (place, missing) in [(edge, ProtocolError.oldDirectoryNotFound), (there, .newDirectoryNotFound)] {
            do throws(ProtocolError) {
                guard let directory = try? live(place.directory) else { throw missing }
                try checkMeant(place, in: directory)
                directories[place.directory]?.current[place.name]?.isLocked = false
            } catch {
                refusals.append(error)
            }
        }
        if let first = refusals.first { throw first }
    }

    /// A directory does not move into itself or below.
    private func checkLoop(_ target: InodeID, _ newOwner: InodeID) throws(ProtocolError) {
        var directory = newOwner
        while directory != .root {
            if directory == target { throw .loopInDirectoryRename }
            guard let owner = (try? live(directory))?.owner else { throw .newDirectoryNotFound }
            directory = owner
        }
    }

    /// By the shard alone when directory and file are in one, otherwise by the coordinator, which looks first.
    mutating func hardUnlink(_ edge: NamespaceRequest.Edge) throws(ProtocolError) {
        guard edge.directory.shard == edge.target.shard else { return try hardUnlinkAcross(edge) }
        switch files[edge.target]?.state {
        case nil: throw .fileNotFound
        case .transient, .superseded: return
        case .linked: break
        }
        guard let past = try past(edge), past.isOwned else { throw .edgeNotFound }
        guard past.target == edge.target else { throw .mismatchingTarget }
        dropOwned(edge)
    }

    private mutating func hardUnlinkAcross(_ edge: NamespaceRequest.Edge) throws(ProtocolError) {
        try Self.check(edge.name)
        guard let past = try past(edge) else { return }
        guard past.target == edge.target else { throw .mismatchingTarget }
        guard past.isOwned else { throw .edgeNotOwned }
        dropOwned(edge)
    }

    private func past(_ edge: NamespaceRequest.Edge) throws(ProtocolError) -> Past? {
        try any(edge.directory).history[edge.name]?.first { $0.since == edge.since }
    }

    private mutating func dropOwned(_ edge: NamespaceRequest.Edge) {
        directories[edge.directory]?.history[edge.name]?.removeAll { $0.since == edge.since }
        files[edge.target]?.state = .transient(.atOnce)
        attributes[edge.target] = nil
        forgetNumber(of: edge.target)
    }

    mutating func hardUnlinkDirectory(_ id: InodeID) throws(ProtocolError) {
        guard id != .root else { throw .cannotRemoveRootDirectory }
        guard let directory = directories[id] else { return }
        guard directory.owner == .null else { throw .directoryHasOwner }
        guard directory.isEmpty else { throw .directoryNotEmpty }
        directories[id] = nil
        (attributes[id], directoryTimes[id], changes[id]) = (nil, nil, nil)
    }
}
