import Protocol

/// Why a client operation failed. Names the operation, the cause and, where there is one, the code the service
/// answered.
public struct ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong, for programs.
    public indirect enum Cause: Hashable, Sendable {
        /// The service answered with this code (messages.md "Errors").
        case refused(ProtocolError)
        /// No answer within the overall limit, in spite of repetitions. The request may have been carried out.
        case timeout
        /// There is nobody to ask: no address is known, or no connection can be made.
        case unavailable
        /// The answer could not be decoded, or says what it must not say.
        case malformedAnswer
        /// A block could not be read or written for a reason that may pass: connection lost, stalled, local error.
        case blockTransfer
        /// A page does not match its checksum.
        case corruptPage
        /// Fewer than D blocks of a span could be read. The data is not available now.
        case tooManyBlocksMissing
        /// A span could not be placed in all the time there was. What became of the last attempt; nil when the shard
        /// knew no block services to try.
        case cannotPlaceSpan(last: Cause?)
        /// Enough block services work, but too few of them have space left.
        case noSpace
        /// What was changed in files fits neither into memory nor into the spool file.
        case noSpoolSpace
        /// The spool file cannot be made, written or read.
        case spoolFailed
        /// Nobody renewed the unfinished file at its shard in time, and what was stored of it is gone.
        case expired
        /// The file would become larger than `ClientLimits.fileBytes`.
        case tooLarge
        /// The system has no memory left.
        case noMemory
        /// The request cannot be made: bad name, bad path, size out of range.
        case invalidArgument
        /// The file or the client was closed or abandoned.
        case closed
        /// The policies of the directory cannot be used.
        case badPolicy
        /// This machine's clock and the registry's do not agree, and what was to be done depends on the time.
        case wrongClock
    }

    public let cause: Cause
    /// What was attempted, such as `LOOKUP at shard 17`.
    public let operation: String
    /// Anything else that helps, possibly empty.
    public let detail: String

    public init(_ cause: Cause, _ operation: String, _ detail: String = "") {
        self.cause = cause
        self.operation = operation
        self.detail = detail
    }

    /// The code that a service answered, if one did.
    public var code: ProtocolError? {
        if case .refused(let code) = cause { code } else { nil }
    }

    /// Whether the service answered with `code`.
    public func isRefusal(_ code: ProtocolError) -> Bool {
        self.code == code
    }

    public var description: String {
        "\(operation) failed: \(cause.sentence)" + (detail.isEmpty ? "" : " (\(detail))")
    }
}

extension ClientError.Cause {
    var sentence: String {
        switch self {
        case .refused(.notAuthorised):
            "this is done only for programs with the cluster's key (--key-file) and clocks less than five minutes apart"
        case .refused(let code): "the service answered \(code)"
        case .timeout: "no answer in time; is the service running and reachable?"
        case .unavailable: "nobody can be reached for it; is the service running and registered?"
        case .malformedAnswer: "the answer makes no sense"
        case .blockTransfer: "the transfer with the block service broke off"
        case .corruptPage: "a page does not match its checksum"
        case .tooManyBlocksMissing: "too many blocks of the span are missing to restore its data"
        case .cannotPlaceSpan(nil): "there are not enough block services that work"
        case .cannotPlaceSpan(let last?): "its blocks could not be written anywhere; at last \(last.sentence)"
        case .noSpace: "the cluster has no space left"
        case .noSpoolSpace: "the spool file for changed bytes (--spool, --spool-bytes) may not become larger"
        case .spoolFailed: "the spool file for changed bytes (--spool) does not work"
        case .expired: "the file expired before it was finished, and what was stored of it is gone"
        case .tooLarge: "files are at most \(ClientLimits.fileBytes >> 40) TiB large"
        case .noMemory: "there is no memory for it"
        case .invalidArgument: "the argument is not valid"
        case .closed: "it was closed"
        case .badPolicy: "the policies of the directory cannot be used"
        case .wrongClock: "this machine's clock does not agree with the registry's"
        }
    }
}
