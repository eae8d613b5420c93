/// Why bytes from a socket or a disk are not the value they should be.
///
/// Small and without payload, so that a failing decoder returns it in a register.
@frozen
public enum DecodeError: Error, Equatable, Sendable {
    /// The input ends before the last field does.
    case truncated
    /// Bytes remain after the last field.
    case surplus
    /// A field holds a value that its type does not allow (wire-protocol.md 1).
    case invalidValue
    /// A union's header selects a variant that does not exist.
    case invalidVariant
    /// The kind byte is not one of the service's.
    case unknownKind
    /// The packet does not begin with the protocol word expected here.
    case wrongProtocol
    /// The packet's MAC is not that of its bytes.
    case badSignature
    /// A later program has made it.
    case unknownVersion
}
