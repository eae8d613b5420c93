import Wire

/// The secret that the servers of one cluster share, made at random when the cluster is. It signs nothing itself: a key
/// of its own follows from it for each purpose.
public struct ClusterKey: Hashable, Sendable, CustomStringConvertible {
    private static let byteCount = 32

    private let bytes: [UInt8]

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// From the system's source of randomness.
    public static func random() -> ClusterKey {
        var source = SystemRandomNumberGenerator()
        return ClusterKey(bytes: (0..<byteCount).map { _ in UInt8.random(in: .min ... .max, using: &source) })
    }

    /// The key of 64 hexadecimal digits; nil for anything else.
    public init?(hexadecimal text: String) {
        guard let bytes = [UInt8](hexadecimal: text), bytes.count == Self.byteCount else { return nil }
        self.init(bytes: bytes)
    }

    /// For the file that holds it.
    public var hexadecimal: String { bytes.hexadecimal }

    /// Not shown, so that it does not get into a log.
    public var description: String { "ClusterKey(…)" }

    public func key(for purpose: KeyPurpose) -> SecretKey {
        code(for: purpose).withUnsafeBytes { code in
            SecretKey(
                low: UInt64(littleEndian: code.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                high: UInt64(littleEndian: code.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }

    fileprivate func code(for purpose: KeyPurpose) -> [UInt8] {
        KeyedHash.code(of: Array("sterna \(purpose.label)".utf8), key: bytes)
    }
}

extension ClusterKey {
    /// What processes with replicas of the same groups prove to each other.
    public var peerKey: PeerKey { PeerKey(.cluster, bytes: code(for: .replicas)) }
}

/// What a key is used for. Whoever learns the key for one purpose can do nothing else with it.
public enum KeyPurpose: Sendable {
    /// Packets between the coordinator and the shards.
    case coordinator
    /// Proofs on registry connections.
    case registryConnections
    /// Requests to shards that are not everybody's.
    case shardRequests
    /// Requests to the coordinator that are not everybody's.
    case coordinatorRequests
    /// Connections between processes with replicas of the same groups.
    case replicas

    /// Never changed: other versions derive the same.
    var label: String {
        switch self {
        case .coordinator: "coordinator and shards"
        case .registryConnections: "registry connections"
        case .shardRequests: "requests to shards"
        case .coordinatorRequests: "requests to the coordinator"
        case .replicas: "replicas"
        }
    }
}
