import CoordinatorCore
import Protocol
import Simulator
import TestShards

/// Requests on things as they are found by name, as a client builds them.
extension Cluster {
    func renameRequest(
        _ oldName: String, from oldOwner: InodeID, to newOwner: InodeID, as newName: String
    ) throws -> AnyCdcRequest {
        let edge = try shards.lookup(bytes(oldName), in: oldOwner).get()
        if edge.targetId.isDirectory {
            return .renameDirectory(
                RenameDirectoryRequest(
                    targetId: edge.targetId, oldOwnerId: oldOwner, oldName: bytes(oldName),
                    oldCreationTime: edge.creationTime, newOwnerId: newOwner, newName: bytes(newName)))
        }
        return .renameFile(
            RenameFileRequest(
                targetId: edge.targetId, oldOwnerId: oldOwner, oldName: bytes(oldName),
                oldCreationTime: edge.creationTime, newOwnerId: newOwner, newName: bytes(newName)))
    }

    /// As `renameRequest`, of a directory over another one.
    func replaceRequest(
        _ oldName: String, from oldOwner: InodeID, to newOwner: InodeID, as newName: String
    ) throws -> AnyCdcRequest {
        let edge = try shards.lookup(bytes(oldName), in: oldOwner).get()
        let replaced = try shards.lookup(bytes(newName), in: newOwner).get()
        return .replaceDirectory(
            ReplaceDirectoryRequest(
                targetId: edge.targetId, oldOwnerId: oldOwner, oldName: bytes(oldName),
                oldCreationTime: edge.creationTime, newOwnerId: newOwner, newName: bytes(newName),
                replacedId: replaced.targetId, replacedCreationTime: replaced.creationTime))
    }

    func removeRequest(_ name: String, in owner: InodeID) throws -> AnyCdcRequest {
        let edge = try shards.lookup(bytes(name), in: owner).get()
        return .softUnlinkDirectory(
            SoftUnlinkDirectoryRequest(
                ownerId: owner, targetId: edge.targetId, creationTime: edge.creationTime, name: bytes(name)))
    }

    func rename(
        _ oldName: String, from oldOwner: InodeID, to newOwner: InodeID, as newName: String
    ) throws -> Result<AnyCdcResponse, ProtocolError> {
        try call(try renameRequest(oldName, from: oldOwner, to: newOwner, as: newName))
    }

    func remove(_ name: String, in owner: InodeID) throws -> Result<AnyCdcResponse, ProtocolError> {
        try call(try removeRequest(name, in: owner))
    }

    /// What the rules of the namespace, and each shard's own, say about the present state; nothing must be under way.
    func violations() throws -> [String] {
        var violations = ClusterCheck.violations(Array(shards.cores.values), coordinator)
        for (shard, core) in shards.cores {
            try core.checkInvariants { violations.append("shard \(shard): \($0)") }
        }
        return violations
    }
}

extension Result where Failure == ProtocolError {
    var error: ProtocolError? {
        if case .failure(let error) = self { return error }
        return nil
    }
}
