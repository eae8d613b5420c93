import Protocol

/// The fields of each request to the coordinator, one letter each, in the order of the wire. New rows go to the end.
///
/// `e` chooses an edge that D, X, N and T after it tell of; `d` is a directory, `i` any inode, `n` a name, `q` a
/// number.
enum CdcTemplates {
    static let rows: [(kind: CdcKind, fields: String)] = [
        (.makeDirectory, "dn"), (.renameFile, "eXDNTdn"), (.softUnlinkDirectory, "eDXTN"),
        (.renameDirectory, "eXDNTdn"), (.hardUnlinkDirectory, "i"), (.crossShardHardUnlinkFile, "eDXNT"),
        (.cdcSnapshot, "q"), (.makeDirectoryExclusive, "dn"), (.replaceDirectory, "eXDNTeDNXT"),
        (.makeDirectoryWithAttributes, "dnya"),
    ]

    static func body(
        _ fields: String, _ known: KnownValues, _ now: UInt64, _ script: inout FuzzScript
    ) throws -> [UInt8] {
        try ShardRequestWriter.body(fields, known, .init(rawValue: 0), now: now, &script)
    }
}

extension KnownValues {
    /// Takes in what the coordinator's answer tells whoever asked.
    mutating func learn(_ result: Result<AnyCdcResponse, ProtocolError>, to request: AnyCdcRequest) {
        guard case .success(let response) = result else { return }
        switch (request, response) {
        case (.makeDirectory(let make), .makeDirectory(let made)):
            learn(NamedEdge(directory: make.ownerId, name: make.name, target: made.id, time: made.creationTime))
        case (.makeDirectoryExclusive(let make), .makeDirectoryExclusive(let made)):
            learn(NamedEdge(directory: make.ownerId, name: make.name, target: made.id, time: made.creationTime))
        case (.makeDirectoryWithAttributes(let make), .makeDirectoryWithAttributes(let made)):
            learn(NamedEdge(directory: make.ownerId, name: make.name, target: made.id, time: made.creationTime))
        case (.renameFile(let move), .renameFile(let moved)):
            learn(
                NamedEdge(
                    directory: move.newOwnerId, name: move.newName, target: move.targetId, time: moved.creationTime))
        case (.renameDirectory(let move), .renameDirectory(let moved)):
            learn(
                NamedEdge(
                    directory: move.newOwnerId, name: move.newName, target: move.targetId, time: moved.creationTime))
        case (.replaceDirectory(let move), .replaceDirectory(let moved)):
            learn(
                NamedEdge(
                    directory: move.newOwnerId, name: move.newName, target: move.targetId, time: moved.creationTime))
        default: break
        }
    }
}
