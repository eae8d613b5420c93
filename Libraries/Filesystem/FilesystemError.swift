import CLinux
import Client
import Glibc
import Protocol

/// Why an operation failed: an errno of Linux for programs, and a sentence for the log.
public struct FilesystemError: Error, Sendable {
    /// The errno, positive.
    public let code: Int32
    private let cause: Cause
    /// Whether the log has a line about it.
    private(set) var isTold = false

    private enum Cause: Sendable {
        case none
        case client(ClientError)
        case sentence(StaticString)
    }

    public init(_ code: Int32) {
        self.code = code
        cause = .none
    }

    public init(_ code: Int32, _ reason: StaticString) {
        self.code = code
        cause = .sentence(reason)
    }

    init(_ error: ClientError) {
        code = error.errno
        cause = .client(error)
    }

    /// Made only when somebody wants to read it: most failures are names that do not exist.
    public var reason: String {
        switch cause {
        case .none: String(cString: strerror(code))
        case .client(let error): error.description
        case .sentence(let text): text.description
        }
    }

    /// Whether a server was away, or in trouble, and the same may succeed later.
    var isOutage: Bool {
        if case .client(let error) = cause { error.isOutage } else { false }
    }

    /// Whether servers were away from which what is stored can be read when they are back.
    var mayComeBack: Bool {
        if case .client(let error) = cause { error.mayComeBack } else { false }
    }

    /// Whether the cluster could not do it, or not in time; everything else programs bring about themselves.
    var isOfCluster: Bool {
        if case .sentence = cause { return false }
        return code == EIO || code == ETIMEDOUT
    }

    /// The same once the log has a line about it.
    var told: FilesystemError {
        var told = self
        told.isTold = true
        return told
    }

    /// Whether a server refused it for this reason.
    func isRefusal(_ refusal: ProtocolError) -> Bool {
        if case .client(let error) = cause { error.isRefusal(refusal) } else { false }
    }

    /// As headers call it, such as `EPERM`, or the number.
    public var name: String {
        linux_errno_name(code).map { String(cString: $0) } ?? "\(code)"
    }
}

extension FilesystemError {
    static let noSuchAttribute = FilesystemError(ENODATA)
    static let exists = FilesystemError(EEXIST)
    static let notEmpty = FilesystemError(ENOTEMPTY)
    public static let invalid = FilesystemError(EINVAL)
    static let nameTooLong = FilesystemError(ENAMETOOLONG)
    /// Not to be had without moving data.
    static let crossDevice = FilesystemError(EXDEV)
    static let badDescriptor = FilesystemError(EBADF)
    static let inputOutput = FilesystemError(EIO)
    static let readOnly = FilesystemError(EROFS, "snapshots can only be read")
    static let isDirectory = FilesystemError(EISDIR)
    /// Servers are away; what was asked for may still be done.
    static let timedOut = FilesystemError(ETIMEDOUT)
    /// The name in hand does not lead here any more; who looks it up again finds what is there now.
    static let stale = FilesystemError(ESTALE, "the name leads to another file by now, or to a newer version")
    static let notTheOwner = FilesystemError(EPERM, "it is somebody else's by now")
    static let writerWasKilled = FilesystemError(EINTR, "whoever was writing it was killed")
    /// The filesystem ends. Not EINTR, after which some programs try again and others think that all is well.
    static let ended = FilesystemError(EIO, "the mount ended while the file was being written")
    static let tooLarge = FilesystemError(EFBIG, "a file has at most 16 TiB")
}

/// Runs a step of the client and turns its error into the one that says it best to programs.
@discardableResult
nonisolated(nonsending) func posix<T>(
    _ step: nonisolated(nonsending) () async throws(ClientError) -> T
) async throws(FilesystemError) -> T {
    do {
        return try await step()
    } catch {
        throw FilesystemError(error)
    }
}
