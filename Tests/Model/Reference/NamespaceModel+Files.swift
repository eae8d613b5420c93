import Protocol

// Files and the names they have in one directory: what shards do by themselves.

extension NamespaceModel {
    mutating func construct(in directory: InodeID, _ size: UInt32, _ newID: InodeID?) -> Reply {
        guard let id = newID, id.type == .file, id.shard == directory.shard, everMade.insert(id).inserted else {
            return .refused(.internalError)
        }
        files[id] = File(state: .transient(.whenWaited), size: size, number: id)
        return .made(id)
    }

    /// - Parameter expected: what the name must lead to before; nil: whatever it is.
    mutating func link(
        _ file: InodeID, _ owner: InodeID, _ name: [UInt8], over expected: InodeID? = nil
    ) throws(ProtocolError) -> Moment {
        if let since = try linkedBefore(file, owner, name) { return since }
        var directory = try live(owner)
        if let expected, expected != directory.current[name]?.target ?? .null { throw .mismatchingTarget }
        let beginning = try beginning(of: file, in: owner, name, nil)
        try create(name, file, in: &directory)
        directories[owner] = directory
        files[file]?.state = .linked(mtime: .edge(owner, now))
        attributes[file] = beginning
        return now
    }

    /// Since when a file has the very name that it is to be given; nil: it can be given that.
    func linkedBefore(_ file: InodeID, _ owner: InodeID, _ name: [UInt8]) throws(ProtocolError) -> Moment? {
        guard file.shard == owner.shard else { throw .badShard }
        try Self.check(name)
        if case .transient(.whenWaited) = files[file]?.state { return nil }
        guard let edge = (try? live(owner))?.current[name], edge.target == file else { throw .fileNotFound }
        return edge.since
    }

    mutating func unlink(_ edge: NamespaceRequest.Edge) throws(ProtocolError) -> Moment {
        guard edge.target.isFile else { throw .typeIsDirectory }
        var directory = try live(edge.directory)
        try checkFree(edge, in: directory)
        end(edge.name, in: &directory, isOwned: true)
        directories[edge.directory] = directory
        return now
    }

    /// - Parameter brings: the file keeps what it has, also if that is nothing.
    mutating func rename(
        _ edge: NamespaceRequest.Edge, to name: [UInt8], brings: Bool
    ) throws(ProtocolError) -> Moment {
        guard edge.name != name else { throw .sameSourceAndDestination }
        try Self.check(name)
        var directory = try live(edge.directory)
        try checkFree(edge, in: directory)
        let former = directory.current[name]?.target ?? .null
        end(edge.name, in: &directory, isOwned: false)
        try create(name, edge.target, in: &directory)
        directories[edge.directory] = directory
        if !brings { inherit(edge.target, from: former, in: edge.directory) }
        return now
    }

    /// The name is what the request says, and no transaction has it.
    private func checkFree(_ edge: NamespaceRequest.Edge, in directory: Directory) throws(ProtocolError) {
        guard let present = directory.current[edge.name] else { throw .edgeNotFound }
        guard present.target == edge.target else { throw .mismatchingTarget }
        guard present.since == edge.since else { throw .mismatchingCreationTime }
        guard !present.isLocked else { throw .edgeIsLocked }
    }

    mutating func resurrect(
        _ edge: NamespaceRequest.Edge, to name: [UInt8], _ newNumber: InodeID?
    ) throws(ProtocolError) -> Moment {
        try Self.check(name)
        var directory = try live(edge.directory)
        guard let index = directory.history[edge.name]?.firstIndex(where: { $0.since == edge.since }),
            let past = directory.history[edge.name]?[index]
        else { throw .edgeNotFound }
        guard past.target == edge.target else { throw .mismatchingTarget }
        guard past.isOwned else { throw .edgeNotOwned }
        directory.history[edge.name]?[index].isOwned = false
        try create(name, edge.target, in: &directory)
        directories[edge.directory] = directory
        try renumber(edge.target, by: edge.directory.shard, newNumber)
        return now
    }

    mutating func setLock(_ edge: NamespaceRequest.Edge, _ isLocked: Bool) throws(ProtocolError) {
        try checkMeant(edge, in: try live(edge.directory))
        directories[edge.directory]?.current[edge.name]?.isLocked = isLocked
    }

    /// The name is what the coordinator says; locked or not.
    func checkMeant(_ edge: NamespaceRequest.Edge, in directory: Directory) throws(ProtocolError) {
        guard let present = directory.current[edge.name] else { throw .edgeNotFound }
        guard present.since == edge.since else { throw .mismatchingCreationTime }
        guard present.target == edge.target else { throw .mismatchingTarget }
    }

    mutating func forget(_ edge: NamespaceRequest.Edge) throws(ProtocolError) {
        let past = try any(edge.directory).history[edge.name]?.first { $0.since == edge.since }
        if past?.isOwned == true { throw .edgeNotFound }
        directories[edge.directory]?.history[edge.name]?.removeAll { $0.since == edge.since }
    }

    mutating func setTime(_ file: InodeID, _ time: UInt64) throws(ProtocolError) {
        guard case .linked = files[file]?.state else { throw .fileNotFound }
        files[file]?.state = .linked(mtime: .exactly(time))
        changes[file, default: 0] += 1
    }

    mutating func scrap(_ file: InodeID) throws(ProtocolError) {
        guard case .transient = files[file]?.state else { throw .fileNotFound }
        files[file]?.state = .transient(.atOnce)
    }

    mutating func removeSpan(_ file: InodeID) throws(ProtocolError) {
        switch files[file]?.state {
        case .transient(let deadline), .superseded(_, let deadline):
            if case .whenWaited = deadline { throw .deadlineNotPassed }
            guard files[file]?.size != 0 else { throw .fileEmpty }
            files[file]?.size = 0
            attributes[file] = nil
            files[file]?.state = .transient(deadline)
        case nil, .linked: throw .fileNotFound
        }
    }

    mutating func removeFile(_ file: InodeID) throws(ProtocolError) {
        switch files[file]?.state {
        case nil: return
        case .linked: throw .fileIsNotTransient
        case .transient(.whenWaited), .superseded(_, .whenWaited): throw .deadlineNotPassed
        case .transient, .superseded:
            guard files[file]?.size == 0 else { throw .fileNotEmpty }
            files[file] = nil
            attributes[file] = nil
            changes[file] = nil
        }
    }

    mutating func wait() {
        for (id, file) in files {
            switch file.state {
            case .transient(.whenWaited): files[id]?.state = .transient(.passed)
            case .superseded(let mtime, .whenWaited): files[id]?.state = .superseded(mtime: mtime, .passed)
            default: break
            }
        }
    }
}
