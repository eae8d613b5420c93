import Directories
import Glibc
import Mutations

/// What can go wrong with the blocks of a disk.
public enum BlockStoreError: Error, Hashable, CustomStringConvertible {
    /// No such block.
    case blockNotFound
    /// The range is not made of whole pages, or not all of it is in the block.
    case outOfBounds
    /// Data or a stored block does not have the size or checksum it should have.
    case badChecksum
    /// The key file has the wrong length or checksum. It is never made anew: the blocks belong to the old key.
    case corruptKey(path: String)
    /// The disk's layout is newer than this program, or its layout file says nothing sensible.
    case unknownLayout(path: String, found: String)
    /// The store of small blocks contradicts itself. Other blocks of the disk can still be read.
    case smallBlocksDamaged(path: String, reason: String)
    /// Another process serves this disk.
    case inUse(path: String)
    /// The descriptor that data is read from has ended or failed. Not the disk's fault.
    case sourceFailed(code: Int32)
    /// The system refused something on the disk.
    case system(operation: String, code: Int32)

    /// For an `errno` just set.
    static func last(_ operation: String) -> BlockStoreError { .system(operation: operation, code: errno) }

    init(_ error: DirectoryError) { self = .system(operation: error.operation, code: error.code) }

    /// Whether the disk or the file on it cannot be read or written any more (medium error).
    public var isMediumError: Bool {
        if case .smallBlocksDamaged = self { true } else { isUnreadable }
    }

    /// Whether the system could not read or write something of the disk.
    var isUnreadable: Bool {
        guard case .system(_, let code) = self else { return false }
        return [EIO, ENODATA, EUCLEAN, ENXIO, ENODEV].contains(code)
    }

    /// Whether the disk may have to do with it: without descriptors or memory, or between two signals, a process or a
    /// system refuses the same on every disk.
    var isOfDisk: Bool {
        guard case .system(_, let code) = self, !Mutation.shortageIsTheDisks.isPlanted else { return true }
        return ![EMFILE, ENFILE, ENOMEM, EINTR, EAGAIN].contains(code)
    }

    /// Whether the same may succeed later, on the same disk.
    var isPassing: Bool { isOutOfSpace || !isOfDisk }

    /// Whether a file is not there.
    var isMissingFile: Bool {
        if case .system(_, ENOENT) = self { true } else { false }
    }

    /// Whether the disk is full.
    public var isOutOfSpace: Bool {
        guard case .system(_, let code) = self else { return false }
        return [ENOSPC, EDQUOT].contains(code)
    }

    public var description: String {
        switch self {
        case .blockNotFound: "no such block"
        case .outOfBounds: "range outside of the block, or not whole pages"
        case .badChecksum: "size or checksum does not match"
        case .corruptKey(let path): "\(path) is damaged; restore it, or remove the disk's blocks and it"
        case .unknownLayout(let path, let found):
            "\(path) says \"\(found)\", this program knows layouts up to \(DiskLayout.newest): use a newer one"
        case .smallBlocksDamaged(let path, let reason):
            "\(path) is damaged (\(reason)); it is made anew from the segments beside it, once in the life of a "
                + "process; if that does not help, the disk needs somebody to look after it"
        case .inUse(let path): "\(path) is locked: another process serves this disk"
        case .sourceFailed(let code): "data did not arrive: \(Self.message(code))"
        case .system(let operation, let code): "\(operation): \(Self.message(code))"
        }
    }

    private static func message(_ code: Int32) -> String {
        code == 0 ? "end of stream" : String(cString: strerror(code))
    }
}
