import Protocol
import ShardCore
import Testing

/// A shard and a model that are given the same steps.
final class ModelRun {
    private let shard: ShardFixture
    private var model = NamespaceModel()
    private var directories: [InodeID] = [.root]
    private var lastFile: ShardFixture.OpenFile?

    init() throws {
        shard = try ShardFixture(checksInvariants: false)
    }

    /// Carries out a step, unless the model is to forget it; says how shard and model differ afterwards.
    func carryOut(_ step: ModelStep, forgetting isForgotten: Bool) throws -> String? {
        for _ in 0..<(step.isTwice ? 2 : 1) {
            let before = model
            let (reply, expected) = try perform(step)
            if isForgotten { model = before }
            if let difference = Self.difference(reply, expected) { return difference }
        }
        return try stateDifference()
    }

    private static func difference(
        _ reply: Result<Timestamp?, ProtocolError>, _ expected: NamespaceModel.Outcome
    ) -> String? {
        switch (reply, expected) {
        case (.success(nil), .success): nil
        case (.success(let time), .success(let right)) where time == right: nil
        case (.failure(let code), .failure(let right)) where code == right: nil
        default: "answered \(reply), expected \(expected)"
        }
    }

    private func stateDifference() throws -> String? {
        for id in directories {
            let edges = try shard.edges(of: id)
            if edges != model.edges(of: id) { return "\(id) holds \(edges), expected \(model.edges(of: id))" }
        }
        for (id, file) in model.files {
            let isLinked = (try? shard.call(StatFileRequest(id: id))) != nil
            if isLinked != (file == .linked) { return "\(id) is \(isLinked ? "" : "not ")linked" }
        }
        let violations = try shard.core.invariantViolations()
        return violations.isEmpty ? nil : "\(violations)"
    }

    // MARK: Steps

    private func name(_ index: Int) -> [UInt8] { "name\(index)".bytes }

    private func perform(
        _ step: ModelStep
    ) throws -> (Result<Timestamp?, ProtocolError>, NamespaceModel.Outcome) {
        let directory = directories[step.directory % directories.count]
        switch step.kind {
        case .makeFile:
            let file = try shard.construct()
            model.construct(file.id, deadline: Timestamp(nanoseconds: shard.now.nanoseconds + ShardFixture.lifetime))
            lastFile = file
            return try link(file, directory, step)
        case .makeFileAgain:
            guard let lastFile else { return (.success(nil), .success(.zero)) }
            return try link(lastFile, directory, step)
        case .makeDirectory: return try makeDirectory(directory, step)
        case .wait:
            shard.tick(seconds: 4000)
            return (.success(nil), .success(.zero))
        case .unlink, .rename, .lock, .unlock: return try changeCurrent(directory, step)
        case .resurrect, .forget, .hardUnlink: return try changeHistory(directory, step)
        case .removeFile:
            let files = model.files.keys.sorted()
            guard !files.isEmpty else { return (.success(nil), .success(.zero)) }
            let file = files[step.name % files.count]
            let reply = try send(RemoveInodeRequest(id: file)) { _ in nil }
            return (reply, model.removeFile(file, shard.now))
        }
    }

    private func send<Request: ShardRPC>(
        _ request: Request, _ time: (Request.Response) -> Timestamp?
    ) throws -> Result<Timestamp?, ProtocolError> {
        try shard.reply(request.erased).map { Request.response(in: $0).flatMap(time) }
    }

    private func link(
        _ file: ShardFixture.OpenFile, _ directory: InodeID, _ step: ModelStep
    ) throws -> (Result<Timestamp?, ProtocolError>, NamespaceModel.Outcome) {
        let request = LinkFileRequest(
            fileId: file.id, cookie: file.cookie, ownerId: directory, name: name(step.name))
        let reply = try send(request) { $0.creationTime }
        return (reply, model.link(file.id, directory, name(step.name), shard.now))
    }

    private func makeDirectory(
        _ owner: InodeID, _ step: ModelStep
    ) throws -> (Result<Timestamp?, ProtocolError>, NamespaceModel.Outcome) {
        let known = model.edges(of: owner).contains { $0.name == name(step.name) }
        guard !known, directories.count < 4 else { return (.success(nil), .success(.zero)) }
        let made = try shard.makeDirectory("name\(step.name)", index: UInt64(directories.count), in: owner)
        directories.append(made.id)
        model.makeDirectory(made.id, owner, name(step.name), made.time)
        return (.success(made.time), .success(made.time))
    }

    private func changeCurrent(
        _ directory: InodeID, _ step: ModelStep
    ) throws -> (Result<Timestamp?, ProtocolError>, NamespaceModel.Outcome) {
        let name = name(step.name)
        let edge = model.directories[directory]?.current[name]
        // A target that is no directory, so that the request gets as far as the state.
        let target = edge?.target ?? InodeID(type: .file, shard: shard.shard, index: 1 << 40)
        let since = step.isWrong ? Timestamp(nanoseconds: 1) : edge?.time ?? .zero
        switch step.kind {
        case .unlink:
            guard target.isFile else { return (.success(nil), .success(.zero)) }
            let request = SoftUnlinkFileRequest(ownerId: directory, fileId: target, name: name, creationTime: since)
            let reply = try send(request) { $0.deleteCreationTime }
            return (reply, model.unlink(target, directory, name, since: since, shard.now))
        case .rename:
            let new = self.name(step.other)
            let request = SameDirectoryRenameRequest(
                targetId: target, dirId: directory, oldName: name, oldCreationTime: since, newName: new)
            let reply = try send(request) { $0.newCreationTime }
            return (reply, model.rename(target, directory, name, since: since, new, shard.now))
        case .lock:
            let request = LockCurrentEdgeRequest(dirId: directory, targetId: target, creationTime: since, name: name)
            return (try send(request) { _ in nil }, model.lock(target, directory, name, since: since, true, shard.now))
        default:
            let request = UnlockCurrentEdgeRequest(
                dirId: directory, name: name, creationTime: since, targetId: target, wasMoved: false)
            return (try send(request) { _ in nil }, model.lock(target, directory, name, since: since, false, shard.now))
        }
    }

    private func changeHistory(
        _ directory: InodeID, _ step: ModelStep
    ) throws -> (Result<Timestamp?, ProtocolError>, NamespaceModel.Outcome) {
        let name = name(step.name)
        let history = model.directories[directory]?.history[name] ?? []
        let past = history.isEmpty ? nil : history[step.other % history.count]
        let since = step.isWrong ? Timestamp(nanoseconds: 1) : past?.time ?? .zero
        let file = past.flatMap { $0.target.isFile ? $0.target : nil } ?? lastFile?.id
        switch step.kind {
        case .forget:
            let request = RemoveNonOwnedEdgeRequest(
                dirId: directory, targetId: .null, name: name, creationTime: since)
            return (try send(request) { _ in nil }, model.forget(directory, name, since: since, shard.now))
        case .resurrect:
            let target = past?.target ?? .null
            let new = self.name(step.directory)
            let request = SameDirectoryRenameSnapshotRequest(
                targetId: target, dirId: directory, oldName: name, oldCreationTime: since, newName: new)
            let reply = try send(request) { $0.newCreationTime }
            return (reply, model.resurrect(target, directory, name, since: since, new, shard.now))
        default:
            guard let file else { return (.success(nil), .success(.zero)) }
            let request = SameShardHardFileUnlinkRequest(
                ownerId: directory, targetId: file, name: name, creationTime: since)
            return (try send(request) { _ in nil }, model.hardUnlink(file, directory, name, since: since, shard.now))
        }
    }
}
