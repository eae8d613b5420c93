import EventLoop
import Protocol

/// Why a registry call brought no answer.
public enum RegistryCallError: Error, Sendable, CustomStringConvertible {
    /// No registry answered in time; the text says how the last attempt failed. The request may have been carried out.
    case timedOut(lastAttempt: String)
    /// The connection was closed, by `close()` or by the registry, and the request must not be repeated.
    case closed
    /// The registry refused with this code.
    case refused(ProtocolError)
    /// The answer is not one to this request.
    case malformed
    /// The request has no encoding: one of its lists or byte strings is too long.
    case unencodable

    public var description: String {
        switch self {
        case .timedOut(let lastAttempt): "no answer from the registry in time (\(lastAttempt))"
        case .closed: "the registry connection was closed"
        case .refused(.notAuthorised): "the registry does this only for programs with the cluster's key (--key-file)"
        case .refused(let code): "the registry answered \(code)"
        case .malformed: "the registry's answer makes no sense"
        case .unencodable: "the request is too long for the protocol"
        }
    }
}
