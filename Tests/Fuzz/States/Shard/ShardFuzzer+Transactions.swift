import Protocol
import ShardCore

// What the coordinator does in several steps.
extension ShardFuzzer {
    /// Asks as Sterna's coordinator does: numbered, everything settled closed. Copies of the packet may come later.
    private func transact(_ request: AnyShardRequest) throws -> AnyShardResponse? {
        let wasHolding = isHolding
        isHolding = false
        defer { isHolding = wasHolding }
        sequence += 1
        let body = try encodedBytes(capacity: request.encodedSize) { (writer) throws(EncodeError) in
            try request.encode(into: &writer)
        }
        let envelope = ExecuteOnceRequest(
            sequence: sequence, closed: sequence - min(sequence, 3), kind: request.kind.rawValue, body: body)
        let packet = try datagram(ShardKind.executeOnce.rawValue, try envelope.encoded(), isSigned: true)
        guard case .response(.executeOnce(let answer)) = try receive(packet), answer.kind != 0 else { return nil }
        let response = try answer.body.withUnsafeBytes { try AnyShardResponse.decode(kind: answer.kind, body: $0) }
        known.learn(response, to: request)
        return response
    }

    /// An envelope around any request, with numbers that were used, are next, or make no sense.
    func executeOnce(_ script: inout FuzzScript) throws {
        let row = ShardTemplates.rows[Int(script.byte()) % ShardTemplates.rows.count]
        let body = try ShardRequestWriter.body(row.fields, known, Self.shard, now: now, &script)
        sequence += 1
        let choice = script.byte()
        let number = choice < 0xC0 ? sequence - min(sequence, UInt64(choice & 3)) : script.word()
        let closed = choice < 0xE0 ? number - min(number, UInt64(choice >> 2 & 7)) : script.word()
        let envelope = ExecuteOnceRequest(sequence: number, closed: closed, kind: row.kind.rawValue, body: body)
        try send(ShardKind.executeOnce.rawValue, try envelope.encoded(), signed: true)
    }

    func makeDirectory(_ script: inout FuzzScript) throws {
        let owner = script.pick(known.directories) ?? .root
        let name = Array("d\(script.byte() % 8)".utf8)
        let made = UInt64(log.count + proposals.count) + 100
        let id = InodeID(type: .directory, shard: Self.shard, index: made)
        let inode = CreateDirectoryInodeRequest(id: id, ownerId: owner, info: DirectoryInfo(entries: []))
        guard try transact(.createDirectoryInode(inode)) != nil else { return }
        let edge = CreateLockedCurrentEdgeRequest(dirId: owner, name: name, targetId: id, oldCreationTime: .zero)
        guard case .createLockedCurrentEdge(let locked) = try transact(.createLockedCurrentEdge(edge)) else {
            let info = try DirectoryInfo.sternaRootDefault()
            _ = try transact(.removeDirectoryOwner(RemoveDirectoryOwnerRequest(dirId: id, info: info)))
            return
        }
        let unlock = UnlockCurrentEdgeRequest(
            dirId: owner, name: name, creationTime: locked.creationTime, targetId: id, wasMoved: false)
        _ = try transact(.unlockCurrentEdge(unlock))
    }

    func removeDirectory(_ script: inout FuzzScript) throws {
        guard let edge = script.pick(known.edges.filter(\.target.isDirectory)) else { return }
        let lock = LockCurrentEdgeRequest(
            dirId: edge.directory, targetId: edge.target, creationTime: edge.time, name: edge.name)
        guard try transact(.lockCurrentEdge(lock)) != nil else { return }
        let info = try DirectoryInfo.sternaRootDefault()
        let orphan = RemoveDirectoryOwnerRequest(dirId: edge.target, info: info)
        let isOrphan = try transact(.removeDirectoryOwner(orphan)) != nil
        let unlock = UnlockCurrentEdgeRequest(
            dirId: edge.directory, name: edge.name, creationTime: edge.time, targetId: edge.target, wasMoved: isOrphan)
        _ = try transact(.unlockCurrentEdge(unlock))
        if script.byte() & 1 == 1 { _ = try transact(.removeInode(RemoveInodeRequest(id: edge.target))) }
    }

    private func owns(_ edge: KnownValues.NamedEdge) throws -> Bool {
        try deliverAll()
        let request = FullReadDirRequest(
            dirId: edge.directory, flags: .sameName, startName: edge.name, startTime: edge.time, limit: 1, mtu: 0)
        guard let answer = try? core.read(.fullReadDir(request)), case .fullReadDir(let page) = answer,
            let found = page.results.first
        else { return false }
        return !found.current && found.creationTime == edge.time
            && found.targetId == InodeIDExtra(id: edge.target, flag: true)
    }

    func hardUnlinkFile(_ script: inout FuzzScript) throws {
        // It looks first: a repetition must not touch a file that is owned by something else meanwhile.
        guard let edge = script.pick(known.edges.filter(\.target.isFile)), try owns(edge) else { return }
        let removal = RemoveOwnedSnapshotFileEdgeRequest(
            ownerId: edge.directory, targetId: edge.target, name: edge.name, creationTime: edge.time)
        guard try transact(.removeOwnedSnapshotFileEdge(removal)) != nil else { return }
        _ = try transact(.makeFileTransient(MakeFileTransientRequest(id: edge.target, note: edge.name)))
    }
}
