import CoordinatorCore
import Protocol
import ReferenceModel
import ShardCore

/// Compares what there is with what the model says.
struct StateChecker {
    private let real: RealNamespace
    /// Each directory's mtime and the model's version of its names when it was last looked at.
    private var seen: [InodeID: (mtime: Timestamp, version: Int)] = [:]
    /// Each inode's ctime and how often the model had changed it when it was last looked at.
    private var seenChanges: [InodeID: (ctime: Timestamp, changes: Int)] = [:]

    init(_ real: RealNamespace) { self.real = real }

    // MARK: One directory

    mutating func difference(of id: InodeID, _ model: NamespaceModel, _ times: inout Times) throws -> String? {
        guard let expected = model.directories[id] else {
            return try real.stat(id) == .failure(.directoryNotFound) ? nil : "\(id) is there"
        }
        guard case .success(let status) = try real.stat(id) else { return "\(id) is missing" }
        guard status.owner == expected.owner else {
            return "\(id) has the owner \(status.owner), expected \(expected.owner)"
        }
        guard status.info.bodies == expected.info else { return "\(id) has the policies \(status.info)" }
        let difference =
            try attributeDifference(of: id, model) ?? timeDifference(of: id, model)
            ?? listingDifference(of: id, model, &times)
            ?? currentDifference(of: id, model, times)
            ?? namesDifference(of: id, model, times)
        return difference ?? mtimeDifference(of: id, status.mtime, expected.version)
    }

    /// FULL_READ_DIR both ways.
    private func listingDifference(of id: InodeID, _ model: NamespaceModel, _ times: inout Times) throws -> String? {
        let edges = try real.listing(of: id, backwards: false)
        let expected = model.listing(of: id)
        let isEqual = edges.count == expected.count
            && zip(edges, expected).allSatisfy { edge, line in
                edge.current == line.isCurrent && edge.targetId == line.target && edge.name == line.name
                    && edge.nameHash == NameHash(of: line.name) && times.match(line.since, edge.creationTime, in: id)
            }
        guard isEqual else { return "\(id) holds \(edges), expected \(expected)" }
        let backwards = try real.listing(of: id, backwards: true)
        return backwards == edges.reversed() ? nil : "\(id) holds \(backwards) when read backwards"
    }

    /// READ_DIR, which only live directories answer.
    private func currentDifference(of id: InodeID, _ model: NamespaceModel, _ times: Times) throws -> String? {
        let isLive = id == .root || model.directories[id]?.owner != .null
        switch try real.current(of: id) {
        case .failure(let code): return isLive || code != .directoryNotFound ? "\(id) cannot be listed: \(code)" : nil
        case .success(let edges):
            let expected = model.listing(of: id).filter(\.isCurrent).map {
                CurrentEdge(
                    targetId: $0.target.id, nameHash: NameHash(of: $0.name), name: $0.name,
                    creationTime: times.time($0.since, in: id))
            }
            return isLive && edges == expected ? nil : "\(id) lists \(edges), expected \(expected)"
        }
    }

    /// LOOKUP and the history of each name.
    private func namesDifference(of id: InodeID, _ model: NamespaceModel, _ times: Times) throws -> String? {
        let isLive = id == .root || model.directories[id]?.owner != .null
        for name in ModelOperation.names {
            let edge = model.directories[id]?.current[name]
            let expected: Result<LookupResponse, ProtocolError> =
                if !isLive { .failure(.directoryNotFound) } else if let edge {
                    .success(LookupResponse(targetId: edge.target, creationTime: times.time(edge.since, in: id)))
                } else { .failure(.nameNotFound) }
            let found = try real.ask(LookupRequest(dirId: id, name: name), at: id.shard)
            guard found == expected else { return "\(name) in \(id) is \(found), expected \(expected)" }
            let history = try real.history(of: name, in: id).map(\.creationTime)
            let moments = (edge.map { [$0.since] } ?? [])
                + (model.directories[id]?.history[name] ?? []).reversed().map(\.since)
            guard history == moments.map({ times.time($0, in: id) }) else {
                return "\(name) in \(id) was made and ended at \(history), expected \(moments)"
            }
        }
        return nil
    }

    /// The mtime never goes back, and changes whenever the names do (A.5 rule 8).
    private mutating func mtimeDifference(of id: InodeID, _ mtime: Timestamp, _ version: Int) -> String? {
        let before = seen.updateValue((mtime, version), forKey: id)
        guard let before else { return nil }
        if mtime < before.mtime { return "the mtime of \(id) went back" }
        return mtime == before.mtime && version != before.version ? "\(id) changed, but not its mtime" : nil
    }

    // MARK: One file

    mutating func difference(ofFile id: InodeID, _ model: NamespaceModel, _ times: Times) throws -> String? {
        let linked = try real.ask(StatFileRequest(id: id), at: id.shard)
        let transient = try real.ask(StatTransientFileRequest(id: id), at: id.shard)
        switch model.files[id] {
        case nil:
            return linked == .failure(.fileNotFound) && transient == .failure(.fileNotFound) ? nil : "\(id) is there"
        case let file?:
            switch (file.state, linked, transient) {
            case (.linked(let mtime), .success(let status), .failure),
                (.superseded(let mtime, _), .success(let status), .success):
                let expected: Timestamp =
                    switch mtime {
                    case .exactly(let time): Timestamp(nanoseconds: time)
                    case .edge(let directory, let moment): times.time(moment, in: directory)
                    }
                let version = try real.ask(StatVersionRequest(id: id, newest: false), at: id.shard)
                let asVersion = StatVersionResponse(
                    id: id, number: file.number, mtime: status.mtime, atime: status.atime, size: status.size)
                guard status.mtime == expected, status.size == UInt64(file.size), version == .success(asVersion)
                else { return "\(id) is \(status) and \(version), expected \(file)" }
                return try attributeDifference(of: id, model) ?? contentsDifference(of: id, file)
            case (.transient, .failure, .success(let status)):
                return status.size == UInt64(file.size) ? nil : "\(id) is \(status), expected \(file)"
            default: return "\(id) is \(linked) and \(transient), expected \(file)"
            }
        }
    }

    // MARK: Attributes

    private mutating func attributeDifference(of id: InodeID, _ model: NamespaceModel) throws -> String? {
        let expected = model.attributes[id] ?? NamespaceModel.Attributes()
        let status = try real.status(of: id)
        let found = try real.attributes(status)
        return found == expected ? changeDifference(status, model) : "\(id) has \(found), expected \(expected)"
    }

    /// The ctime changes whenever something did, of a directory also with its own time, and never goes back.
    private mutating func changeDifference(_ status: StatAttributesResponse, _ model: NamespaceModel) -> String? {
        let (id, changes) = (status.id, model.changes[status.id] ?? 0)
        let before = seenChanges.updateValue((status.ctime, changes), forKey: id)
        if changes == 0, status.ctime != status.mtime { return "\(id) was never changed, but at \(status.ctime)" }
        if id.isDirectory, status.ctime < status.mtime { return "\(id) was changed later than \(status.ctime)" }
        guard let before else { return nil }
        if status.ctime < before.ctime { return "the ctime of \(id) went back" }
        let isSame = status.ctime == before.ctime
        if changes != before.changes { return isSame ? "\(id) changed, but not its ctime" : nil }
        if isSame || (id.isDirectory && status.ctime == status.mtime) { return nil }
        return "nothing of \(id) changed but its ctime"
    }

    /// What somebody gave a directory as mtime is shown for as long as its names stay, and what he gave as atime.
    private func timeDifference(of id: InodeID, _ model: NamespaceModel) throws -> String? {
        let status = try real.status(of: id)
        let times = model.directoryTimes[id]
        var modified: UInt64? = status.mtime.nanoseconds
        if let times, times.version == model.directories[id]?.version { modified = times.modified }
        if let modified, status.userMtime.nanoseconds != modified {
            return "\(id) shows the mtime \(status.userMtime), expected \(modified)"
        }
        let accessed = times == nil ? status.mtime.nanoseconds : times?.accessed
        if let accessed, status.atime.nanoseconds != accessed {
            return "\(id) shows the atime \(status.atime), expected \(accessed)"
        }
        return nil
    }

    private func contentsDifference(of id: InodeID, _ file: NamespaceModel.File) throws -> String? {
        let status = try real.status(of: id)
        let isSame = status.kind == file.kind && status.device == file.device && status.holes == UInt64(file.holes)
            && status.userMtime == status.mtime
        return isSame ? nil : "\(id) is \(status), expected \(file)"
    }

    // MARK: Everything

    mutating func wholeDifference(_ model: NamespaceModel, _ times: inout Times) throws -> String? {
        let inodes = try real.inodes()
        let linked = model.files.filter { if case .linked = $0.value.state { true } else { false } }
        guard inodes.linked == Set(linked.keys) else {
            return "linked files differ by \(inodes.linked.symmetricDifference(linked.keys))"
        }
        let transient = Set(model.files.keys).subtracting(linked.keys)
        guard inodes.transient == transient else {
            return "transient files differ by \(inodes.transient.symmetricDifference(transient))"
        }
        for id in model.directories.keys.sorted() {
            if let difference = try difference(of: id, model, &times) { return difference }
        }
        for id in model.files.keys.sorted() {
            if let difference = try difference(ofFile: id, model, times) { return difference }
        }
        if let difference = try numberDifference(model) { return difference }
        return try leftoverDifference(inodes.directories.subtracting(model.directories.keys)) ?? ruleDifference(model)
    }

    /// Where the number of each file leads, in each shard that may know it.
    private func numberDifference(_ model: NamespaceModel) throws -> String? {
        for number in Set(model.files.values.map(\.number)).union(model.newest.values.flatMap(\.keys)).sorted() {
            for shard in Set(model.files.keys.map(\.shard)).union([number.shard]) {
                let found = try real.ask(StatVersionRequest(id: number, newest: true), at: shard).map(\.id)
                let expected = model.newestVersion(of: number, in: shard)
                guard found == (expected.map { .success($0) } ?? .failure(.fileNotFound)) else {
                    return "the number \(number) leads to \(found) in shard \(shard), expected \(expected ?? .null)"
                }
            }
        }
        return nil
    }

    /// What a refused mkdir leaves: directories without owner and names, for the collector.
    private func leftoverDifference(_ leftovers: Set<InodeID>) throws -> String? {
        for id in leftovers.sorted() {
            let status = try real.stat(id).get()
            let isHarmless = try status.owner.isNull && real.listing(of: id, backwards: false).isEmpty
            if !isHarmless { return "\(id) is there: \(status)" }
        }
        return nil
    }

    /// S1–S22, and the coordinator's own view (X6).
    private func ruleDifference(_ model: NamespaceModel) throws -> String? {
        for (id, core) in real.shards.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let violations = try core.invariantViolations()
            if !violations.isEmpty { return "shard \(id): \(violations)" }
        }
        var violations: [String] = []
        try real.coordinator.checkInvariants { violations.append("\($0.rule): \($0)") }
        if !violations.isEmpty { return "\(violations)" }
        let owners = model.directories.filter { $0.value.owner != .null }.mapValues(\.owner)
        guard try real.coordinator.parents() == owners else { return "the coordinator's owners are others" }
        return real.alarms.isEmpty ? nil : "alarms: \(real.alarms)"
    }
}
