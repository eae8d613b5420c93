import CoordinatorCore
import Protocol
import ShardCore
import TestShards

/// Real shards, what clients do with them meanwhile, and whether all agree.
final class FuzzShards {
    private let shards: MemoryShards
    /// The wall clock of all shards, nanoseconds; grows with every request.
    var now: UInt64 { shards.nanoseconds }

    init(rootInfo: DirectoryInfo) { shards = MemoryShards(MemoryShards.Options(rootInfo: rootInfo)) }

    /// Carries out a request and says what the shard's datagram contains.
    func answer(_ send: ShardSend) throws -> CoordinatorFuzzer.Answer {
        switch try shards.perform(
            send.request, at: send.shard, isPrivileged: true, requestID: send.requestID)
        {
        case .success(let response):
            CoordinatorFuzzer.Answer(
                requestID: send.requestID, kind: response.kind.rawValue, body: try response.encoded())
        case .failure(let code):
            CoordinatorFuzzer.Answer(requestID: send.requestID, kind: 0, body: try code.encoded())
        }
    }

    // MARK: Clients

    /// What clients do without the coordinator: make a file, remove a name, rename.
    func actAsClient(_ known: inout KnownValues, _ script: inout FuzzScript) throws {
        let choice = script.byte()
        guard choice >= 0x80 else {
            let directory = script.pick(known.directories) ?? .root
            return try makeFile(Array("n\(choice % 8)".utf8), in: directory, &known)
        }
        guard let edge = script.pick(known.edges) else { return }
        let request: AnyShardRequest =
            choice & 1 == 0
            ? .softUnlinkFile(
                SoftUnlinkFileRequest(
                    ownerId: edge.directory, fileId: edge.target, name: edge.name, creationTime: edge.time))
            : .sameDirectoryRename(
                SameDirectoryRenameRequest(
                    targetId: edge.target, dirId: edge.directory, oldName: edge.name, oldCreationTime: edge.time,
                    newName: Array("n\(choice % 8)".utf8)))
        try act(request, at: edge.directory.shard, &known)
    }

    private func makeFile(_ name: [UInt8], in directory: InodeID, _ known: inout KnownValues) throws {
        try act(.constructFile(ConstructFileRequest(type: .file, note: name)), at: directory.shard, &known)
        guard let file = known.files.last, file.id.shard == directory.shard else { return }
        let link = LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: directory, name: name)
        try act(.linkFile(link), at: directory.shard, &known)
    }

    private func act(_ request: AnyShardRequest, at shard: ShardID, _ known: inout KnownValues) throws {
        guard case .success(let response) = try shards.perform(request, at: shard) else { return }
        known.learn(response, to: request)
    }

    // MARK: Checks

    /// Each shard's own rules, and X6: the coordinator and the shards agree about which directory is where.
    func check(_ parents: [InodeID: InodeID], _ report: (String) -> Void) throws {
        var owners: [InodeID: InodeID] = [:]
        for core in shards.cores.values {
            for violation in try core.invariantViolations() { report("shard \(core.shard): \(violation)") }
            var request = VisitDirectoriesRequest(beginId: .null, mtu: 8972)
            repeat {
                guard case .visitDirectories(let page) = try core.read(.visitDirectories(request)) else { break }
                for id in page.ids where id != .root {
                    let status = try core.read(.statDirectory(StatDirectoryRequest(id: id)))
                    if case .statDirectory(let status) = status, !status.owner.isNull { owners[id] = status.owner }
                }
                request.beginId = page.nextId
            } while request.beginId != .null
        }
        for id in Set(owners.keys).union(parents.keys) where owners[id] != parents[id] {
            report(
                "X6: the shard has \(id) in \(String(describing: owners[id])), the coordinator in "
                    + String(describing: parents[id]))
        }
    }
}
