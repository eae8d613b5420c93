import Glibc
import Protocol

extension ClientError {
    /// The errno that says this best to a POSIX program (services.md E.5, with its recommended corrections).
    public var errno: Int32 {
        cause.errno
    }

    /// The errno for a code of the protocol; EIO for everything without a better one.
    public static func errno(for code: ProtocolError) -> Int32 {
        switch code {
        case .timeout: ETIMEDOUT
        case .notAuthorised, .badCookie: EACCES
        case .fileNotFound, .directoryNotFound, .nameNotFound, .edgeNotFound, .oldDirectoryNotFound,
            .newDirectoryNotFound:
            ENOENT
        // Somebody else changed the name between our lookup and our request.
        case .mismatchingTarget, .mismatchingOwner, .mismatchingCreationTime: ENOENT
        case .typeIsDirectory: EISDIR
        case .typeIsNotDirectory: ENOTDIR
        case .lastSpanStateNotClean, .mtimeIsTooRecent, .fileIsTransient, .nameIsLocked, .edgeIsLocked: EBUSY
        case .cannotOverrideName, .attributeExists: EEXIST
        case .attributeNotFound: ENODATA
        // As ext4 says it.
        case .attributesTooLarge: ENOSPC
        case .directoryNotEmpty: ENOTEMPTY
        case .loopInDirectoryRename: ELOOP
        case .cannotRemoveRootDirectory: EBUSY
        case .badName, .sameSourceAndDestination, .sameDirectories, .malformedRequest: EINVAL
        case .badSpanBody, .spanNotFound, .inconsistentStorageClassParity, .badBlockProof, .badDirectoryInfo: EINVAL
        default: EIO
        }
    }
}

extension ClientError.Cause {
    fileprivate var errno: Int32 {
        switch self {
        case .refused(let code): ClientError.errno(for: code)
        case .timeout, .unavailable: ETIMEDOUT
        case .malformedAnswer, .blockTransfer, .corruptPage, .tooManyBlocksMissing, .badPolicy, .wrongClock,
            .expired, .spoolFailed:
            EIO
        // Only a cluster that is full answers ENOSPC: programs delete files when they see it.
        case .cannotPlaceSpan(nil), .cannotPlaceSpan(.timeout?): ETIMEDOUT
        case .cannotPlaceSpan: EIO
        case .noSpace, .noSpoolSpace: ENOSPC
        case .noMemory: ENOMEM
        case .tooLarge: EFBIG
        case .invalidArgument: EINVAL
        case .closed: EBADF
        }
    }
}
