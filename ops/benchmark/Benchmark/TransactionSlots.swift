import Protocol
import Wire

/// Moves one file or directory between two directories, there and back again.
final class RenameSlot: DatagramLoad.Slot {
    private var target: MadeName
    private var other: InodeID
    private(set) var refused = 0

    init(_ target: MadeName, to other: InodeID) {
        self.target = target
        self.other = other
    }

    private var kind: CdcKind { target.id.isDirectory ? .renameDirectory : .renameFile }

    func fill(_ body: UnsafeMutableRawBufferPointer) -> Int {
        guard target.id.isDirectory else {
            return encode(
                kind.rawValue,
                RenameFileRequest(
                    targetId: target.id, oldOwnerId: target.directory, oldName: target.name,
                    oldCreationTime: target.time, newOwnerId: other, newName: target.name), into: body)
        }
        return encode(
            kind.rawValue,
            RenameDirectoryRequest(
                targetId: target.id, oldOwnerId: target.directory, oldName: target.name, oldCreationTime: target.time,
                newOwnerId: other, newName: target.name), into: body)
    }

    func answered(_ body: UnsafeRawBufferPointer) -> Bool {
        // Both responses are the new edge's creation time.
        guard let moved: RenameFileResponse = decode(kind.rawValue, body) else {
            refused += 1
            return false
        }
        target.time = moved.creationTime
        swap(&target.directory, &other)
        return true
    }
}

/// Removes directories that were made before.
final class RemoveDirectorySlot: DatagramLoad.Slot {
    private var directories: ArraySlice<MadeName>
    private(set) var refused = 0

    init(_ directories: ArraySlice<MadeName>) { self.directories = directories }

    var isDone: Bool { directories.isEmpty }

    func fill(_ body: UnsafeMutableRawBufferPointer) -> Int {
        guard let next = directories.first else { return 0 }
        return encode(
            SoftUnlinkDirectoryRequest.kind.rawValue,
            SoftUnlinkDirectoryRequest(
                ownerId: next.directory, targetId: next.id, creationTime: next.time, name: next.name), into: body)
    }

    func answered(_ body: UnsafeRawBufferPointer) -> Bool {
        directories.removeFirst()
        if body.first == 0 { refused += 1 }
        return body.first != 0
    }
}
