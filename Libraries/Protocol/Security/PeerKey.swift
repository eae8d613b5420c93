import Wire

/// What processes with replicas of the same groups prove to each other. Connections derive keys of their own from it.
public struct PeerKey: Hashable, Sendable, CustomStringConvertible {
    /// How a hello names it.
    public enum Name: UInt8, Sendable {
        /// Everybody's: it keeps misdirected connections out rather than attackers.
        case wellKnown = 0
        case cluster = 1
    }

    public let name: Name
    private let bytes: [UInt8]

    init(_ name: Name, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    /// Of clusters without a key, as those of TernFS are.
    public static let wellKnown = PeerKey(.wellKnown, bytes: Array("sterna replicas".utf8))

    /// 32 bytes that only who has the key can tell for this message.
    public func code(of message: [UInt8]) -> [UInt8] { KeyedHash.code(of: message, key: bytes) }

    /// Not shown, so that it does not get into a log.
    public var description: String { "PeerKey(\(name))" }
}
