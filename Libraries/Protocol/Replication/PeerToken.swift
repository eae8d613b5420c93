import Wire

/// Thirty-two opaque bytes of a handshake between processes: a random number, or what proves that a key is known.
@frozen
public struct PeerToken: FixedWireValue, Hashable {
    @usableFromInline let words: (UInt64, UInt64, UInt64, UInt64)

    public static let zero = PeerToken(words: (0, 0, 0, 0))

    private init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Never the same again.
    public static func random() -> PeerToken {
        var source = SystemRandomNumberGenerator()
        return PeerToken(words: (source.next(), source.next(), source.next(), source.next()))
    }

    @inlinable public static var wireSize: Int { 32 }

    @inlinable
    public init(loading bytes: UnsafeRawPointer) {
        words = (
            UInt64(loading: bytes), UInt64(loading: bytes + 8), UInt64(loading: bytes + 16),
            UInt64(loading: bytes + 24)
        )
    }

    @inlinable
    public func store(to bytes: UnsafeMutableRawPointer) {
        words.0.store(to: bytes)
        words.1.store(to: bytes + 8)
        words.2.store(to: bytes + 16)
        words.3.store(to: bytes + 24)
    }

    /// Takes as long for tokens that differ early as for those that differ late: a proof cannot be guessed in parts.
    public static func == (left: PeerToken, right: PeerToken) -> Bool {
        let (left, right) = (left.words, right.words)
        return (left.0 ^ right.0) | (left.1 ^ right.1) | (left.2 ^ right.2) | (left.3 ^ right.3) == 0
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
