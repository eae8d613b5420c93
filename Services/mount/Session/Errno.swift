import Client
import Glibc
import Protocol

/// What an operation answers when it fails: an errno of Linux, positive.
struct Errno: Error, Hashable, Sendable {
    let code: Int32

    init(_ code: Int32) {
        self.code = code
    }

    init(_ error: ClientError) {
        code = error.errno
    }

    static let notFound = Errno(ENOENT)
    static let exists = Errno(EEXIST)
    static let notEmpty = Errno(ENOTEMPTY)
    static let invalid = Errno(EINVAL)
    static let nameTooLong = Errno(ENAMETOOLONG)
    static let badDescriptor = Errno(EBADF)
    static let inputOutput = Errno(EIO)
    static let isDirectory = Errno(EISDIR)
    /// The name in hand does not lead here any more; the kernel looks it up again.
    static let stale = Errno(ESTALE)
    /// Finished files are sealed: what write(2) says of a file seal, and link(2) of filesystems without hard links.
    static let sealed = Errno(EPERM)
}

/// Runs a step of the client and turns its error into the errno that says it best.
@discardableResult
nonisolated(nonsending) func posix<T>(
    _ step: nonisolated(nonsending) () async throws(ClientError) -> T
) async throws(Errno) -> T {
    do {
        return try await step()
    } catch {
        throw Errno(error)
    }
}
