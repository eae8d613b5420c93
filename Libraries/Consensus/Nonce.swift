/// A number that was never used before. A replica in doubt about its own log draws one; once the log holds it, the
/// log is known to be later than anything that the replica may have forgotten.
public struct Nonce: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }
}
