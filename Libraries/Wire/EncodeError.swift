/// Why a value cannot be written in the wire encoding.
@frozen
public enum EncodeError: Error, Equatable, Sendable {
    /// The caller's buffer is too small.
    case bufferTooSmall
    /// A byte string or list has more elements than its length prefix can count.
    case lengthTooLarge
    /// A union's header does not announce the variant that follows it.
    case inconsistentVariant
}
