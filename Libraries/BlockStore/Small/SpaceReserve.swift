import CLinux
import Glibc

/// A file that holds a little space, to be given up when the disk is full: erasing needs some before it gives any
/// back.
struct SpaceReserve {
    private let directory: FileDescriptor
    private static let name = "reserve"
    static let bytes: UInt64 = 4 << 20

    init(in directory: FileDescriptor) { self.directory = directory }

    /// Makes it if it is not there. Without space for it the disk goes without.
    func keep() {
        guard (try? directory.has(Self.name)) == false,
            let file = try? FileDescriptor.open(Self.name, in: directory, flags: O_WRONLY | O_CREAT, mode: 0o600)
        else { return }
        if linux_fallocate(file.raw, 0, 0, Int64(Self.bytes)) != 0 { release() }
    }

    /// Whether there was something to give up.
    @discardableResult
    func release() -> Bool { unlinkat(directory.raw, Self.name, 0) == 0 }
}
