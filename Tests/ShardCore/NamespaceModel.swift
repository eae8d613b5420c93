import Protocol

/// Names and their history as plain dictionaries: slow, small, and meant to be right at a glance (metadata.md A.4,
/// B.9–B.13).
struct NamespaceModel {
    struct Current: Equatable {
        var target: InodeID
        var isLocked: Bool
        var time: Timestamp
    }

    struct Past: Equatable {
        var time: Timestamp
        var target: InodeID
        var isOwned: Bool
    }

    struct Directory: Equatable {
        var owner: InodeID
        var mtime = Timestamp.zero
        var current: [[UInt8]: Current] = [:]
        /// Oldest first.
        var history: [[UInt8]: [Past]] = [:]
    }

    enum File: Equatable {
        case transient(deadline: Timestamp)
        case linked
    }

    private(set) var directories: [InodeID: Directory] = [.root: Directory(owner: .null)]
    private(set) var files: [InodeID: File] = [:]

    typealias Outcome = Result<Timestamp, ProtocolError>

    mutating func construct(_ id: InodeID, deadline: Timestamp) {
        files[id] = .transient(deadline: deadline)
    }

    mutating func link(_ file: InodeID, _ owner: InodeID, _ name: [UInt8], _ time: Timestamp) -> Outcome {
        guard case .transient(let deadline) = files[file], time <= deadline else {
            guard let edge = live(owner)?.current[name], edge.target == file else { return .failure(.fileNotFound) }
            return .success(edge.time)
        }
        let linked = change(owner, time) { Self.create(&$0, name, file, time) }
        if case .success = linked { files[file] = .linked }
        return linked
    }

    mutating func unlink(
        _ file: InodeID, _ owner: InodeID, _ name: [UInt8], since: Timestamp, _ time: Timestamp
    ) -> Outcome {
        change(owner, time) { Self.end(&$0, name, file, since, isOwned: true, time) }
    }

    mutating func rename(
        _ target: InodeID, _ owner: InodeID, _ old: [UInt8], since: Timestamp, _ new: [UInt8], _ time: Timestamp
    ) -> Outcome {
        if old == new { return .failure(.sameSourceAndDestination) }
        return change(owner, time) { directory in
            switch Self.end(&directory, old, target, since, isOwned: false, time) {
            case .success: Self.create(&directory, new, target, time)
            case .failure(let code): .failure(code)
            }
        }
    }

    mutating func resurrect(
        _ target: InodeID, _ owner: InodeID, _ old: [UInt8], since: Timestamp, _ new: [UInt8], _ time: Timestamp
    ) -> Outcome {
        change(owner, time) { directory in
            guard let index = directory.history[old]?.firstIndex(where: { $0.time == since }),
                let past = directory.history[old]?[index]
            else { return .failure(.edgeNotFound) }
            guard past.target == target else { return .failure(.mismatchingTarget) }
            guard past.isOwned else { return .failure(.edgeNotOwned) }
            directory.history[old]?[index].isOwned = false
            return Self.create(&directory, new, target, time)
        }
    }

    /// Locks or unlocks without moving.
    mutating func lock(
        _ target: InodeID, _ owner: InodeID, _ name: [UInt8], since: Timestamp, _ isLocked: Bool, _ time: Timestamp
    ) -> Outcome {
        change(owner, time) { directory in
            guard let edge = directory.current[name] else { return .failure(.edgeNotFound) }
            guard edge.time == since else { return .failure(.mismatchingCreationTime) }
            guard edge.target == target else { return .failure(.mismatchingTarget) }
            directory.current[name]?.isLocked = isLocked
            return .success(time)
        }
    }

    /// Removes a piece of history that owns nothing.
    mutating func forget(_ owner: InodeID, _ name: [UInt8], since: Timestamp, _ time: Timestamp) -> Outcome {
        change(owner, time, live: false) { directory in
            guard let past = directory.history[name]?.first(where: { $0.time == since }) else { return .success(time) }
            guard !past.isOwned else { return .failure(.edgeNotFound) }
            directory.history[name]?.removeAll { $0.time == since }
            return .success(time)
        }
    }

    mutating func hardUnlink(
        _ file: InodeID, _ owner: InodeID, _ name: [UInt8], since: Timestamp, _ time: Timestamp
    ) -> Outcome {
        switch files[file] {
        case nil: return .failure(.fileNotFound)
        case .transient: return .success(time)
        case .linked: break
        }
        let unlinked = change(owner, time, live: false) { directory in
            guard let past = directory.history[name]?.first(where: { $0.time == since }), past.isOwned else {
                return .failure(.edgeNotFound)
            }
            guard past.target == file else { return .failure(.mismatchingTarget) }
            directory.history[name]?.removeAll { $0.time == since }
            return .success(time)
        }
        if case .success = unlinked { files[file] = .transient(deadline: time) }
        return unlinked
    }

    mutating func removeFile(_ file: InodeID, _ time: Timestamp) -> Outcome {
        switch files[file] {
        case nil: return .success(time)
        case .linked: return .failure(.fileIsNotTransient)
        case .transient(let deadline):
            guard deadline < time else { return .failure(.deadlineNotPassed) }
            files[file] = nil
            return .success(time)
        }
    }

    mutating func makeDirectory(_ id: InodeID, _ owner: InodeID, _ name: [UInt8], _ time: Timestamp) {
        directories[id] = Directory(owner: owner, mtime: time)
        directories[owner]?.current[name] = Current(target: id, isLocked: false, time: time)
    }

    // MARK: Parts

    private func live(_ id: InodeID) -> Directory? {
        guard let directory = directories[id], id == .root || directory.owner != .null else { return nil }
        return directory
    }

    /// Changes a directory as a whole or, when `body` fails, not at all.
    private mutating func change(
        _ id: InodeID, _ time: Timestamp, live mustLive: Bool = true, _ body: (inout Directory) -> Outcome
    ) -> Outcome {
        guard var directory = mustLive ? live(id) : directories[id] else { return .failure(.directoryNotFound) }
        directory.mtime = time
        let outcome = body(&directory)
        if case .success = outcome { directories[id] = directory }
        return outcome
    }

    private static func create(
        _ directory: inout Directory, _ name: [UInt8], _ target: InodeID, _ time: Timestamp
    ) -> Outcome {
        if let edge = directory.current[name] {
            if edge.isLocked { return .failure(.nameIsLocked) }
            if target.isDirectory || edge.target.isDirectory { return .failure(.cannotOverrideName) }
            directory.history[name, default: []].append(Past(time: edge.time, target: edge.target, isOwned: true))
        }
        directory.current[name] = Current(target: target, isLocked: false, time: time)
        return .success(time)
    }

    private static func end(
        _ directory: inout Directory, _ name: [UInt8], _ target: InodeID, _ since: Timestamp, isOwned: Bool,
        _ time: Timestamp
    ) -> Outcome {
        guard let edge = directory.current[name] else { return .failure(.edgeNotFound) }
        guard edge.target == target else { return .failure(.mismatchingTarget) }
        guard edge.time == since else { return .failure(.mismatchingCreationTime) }
        guard !edge.isLocked else { return .failure(.edgeIsLocked) }
        directory.current[name] = nil
        directory.history[name, default: []].append(Past(time: since, target: target, isOwned: isOwned))
        directory.history[name, default: []].append(Past(time: time, target: .null, isOwned: false))
        return .success(time)
    }
}

extension NamespaceModel {
    /// All edges of a directory in the order of FULL_READ_DIR.
    func edges(of id: InodeID) -> [Edge] {
        guard let directory = directories[id] else { return [] }
        let past = directory.history.flatMap { name, history in
            history.map { past in
                Edge(
                    current: false, targetId: InodeIDExtra(id: past.target, flag: past.isOwned),
                    nameHash: NameHash(of: name), name: name, creationTime: past.time)
            }
        }
        let current = directory.current.map { name, edge in
            Edge(
                current: true, targetId: InodeIDExtra(id: edge.target, flag: edge.isLocked),
                nameHash: NameHash(of: name),
                name: name, creationTime: edge.time)
        }
        return Self.sorted(past) + Self.sorted(current)
    }

    private static func sorted(_ edges: [Edge]) -> [Edge] {
        edges.sorted { left, right in
            if left.nameHash != right.nameHash { return left.nameHash < right.nameHash }
            return left.creationTime < right.creationTime
        }
    }
}
