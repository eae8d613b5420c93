import Erasure
import Protocol
import ShardCore
import Testing

// Versions of files, as clients that edit them make them.

extension ShardFixture {
    /// PUBLISH_FILE of what is written: a file of its own, whatever the name leads to, unless it is told otherwise.
    func publishing(
        _ file: OpenFile, as name: String = "a", in directory: InodeID = .root, body: [UInt8] = [],
        over expected: InodeID? = nil, number: InodeID = .null, supersedes: Bool = false
    ) -> PublishFileRequest {
        PublishFileRequest(
            fileId: file.id, cookie: file.cookie, storageClass: body.isEmpty ? .empty : .inline, byteOffset: 0,
            size: UInt32(body.count), crc: CRC32C(of: body), body: body, ownerId: directory, name: name.bytes,
            isConditional: expected != nil, expectedId: expected ?? .null, number: number, supersedes: supersedes)
    }

    /// A file that has been published over nothing.
    func publishFirst(_ name: String = "a", in directory: InodeID = .root, body: [UInt8] = []) throws -> InodeID {
        let file = try construct()
        try call(publishing(file, as: name, in: directory, body: body, over: .null))
        return file.id
    }

    /// The next version of a file, published over the one before.
    func publishNext(
        after version: InodeID, _ name: String = "a", in directory: InodeID = .root, body: [UInt8] = [],
        supersedes: Bool = false
    ) throws -> InodeID {
        let file = try construct()
        let number = try stat(version).number
        let published = try call(
            publishing(
                file, as: name, in: directory, body: body, over: version, number: number, supersedes: supersedes))
        guard published.number == number else { throw ProtocolError.mismatchingTarget }
        return file.id
    }

    /// SAME_DIRECTORY_RENAME_SNAPSHOT in the root.
    func bringingBack(
        _ version: InodeID, _ name: String, _ time: Timestamp, as new: String
    ) -> SameDirectoryRenameSnapshotRequest {
        SameDirectoryRenameSnapshotRequest(
            targetId: version, dirId: .root, oldName: name.bytes, oldCreationTime: time, newName: new.bytes)
    }

    func bringBack(_ version: InodeID, _ name: String, _ time: Timestamp, as new: String) throws {
        try call(bringingBack(version, name, time, as: new))
    }

    func stat(_ version: InodeID) throws -> StatVersionResponse {
        try call(StatVersionRequest(id: version, newest: false))
    }

    func newest(_ number: InodeID) throws -> StatVersionResponse {
        try call(StatVersionRequest(id: number, newest: true))
    }
}
