import CLinux
import Client
import Glibc
import Protocol

/// What an operation answers when it fails: an errno of Linux, positive, and for the log why.
struct Errno: Error, Sendable {
    let code: Int32
    private let cause: Cause

    private enum Cause: Sendable {
        case none
        case client(ClientError)
        case sentence(StaticString)
    }

    init(_ code: Int32) {
        self.code = code
        cause = .none
    }

    init(_ code: Int32, _ reason: StaticString) {
        self.code = code
        cause = .sentence(reason)
    }

    init(_ error: ClientError) {
        code = error.errno
        cause = .client(error)
    }

    /// Made only when somebody wants to read it: most failures are names that do not exist.
    var reason: String {
        switch cause {
        case .none: String(cString: strerror(code))
        case .client(let error): error.description
        case .sentence(let text): text.description
        }
    }

    /// Whether servers were away from which what is stored can be read when they are back.
    var mayComeBack: Bool {
        if case .client(let error) = cause { error.mayComeBack } else { false }
    }

    /// As headers call it, such as `EPERM`, or the number.
    var name: String {
        linux_errno_name(code).map { String(cString: $0) } ?? "\(code)"
    }

    static let notFound = Errno(ENOENT)
    static let exists = Errno(EEXIST)
    static let notEmpty = Errno(ENOTEMPTY)
    static let invalid = Errno(EINVAL)
    static let nameTooLong = Errno(ENAMETOOLONG)
    static let badDescriptor = Errno(EBADF)
    static let inputOutput = Errno(EIO)
    static let isDirectory = Errno(EISDIR)
    /// Servers are away; what was asked for may still be done.
    static let timedOut = Errno(ETIMEDOUT)
    /// The name in hand does not lead here any more; the kernel looks it up again.
    static let stale = Errno(ESTALE, "the name leads to another file by now")
    /// What write(2) says of a file seal, and link(2) of filesystems without hard links. Bytes behind the open span of
    /// an unfinished file answer the same.
    static let sealed = Errno(EPERM, "a finished file can only be continued at its end, up to 16 MiB, or replaced")
    static let tooLarge = Errno(EFBIG, "a file has at most 16 TiB")
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
