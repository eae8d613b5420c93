import Protocol

/// What one process tells another at once.
public enum PeerFrame: Equatable, Sendable {
    /// Of any groups, in their order.
    case messages([GroupMessage])
    case heartbeat(Heartbeat)
    case heartbeatAnswer(HeartbeatAnswer)
    case snapshotRequest(SnapshotRequest)
    case snapshotPart(SnapshotPart)
    case relayedRequest(RelayedRequest)
    case relayedAnswer(RelayedAnswer)
    case relayedCall(RelayedCall)
    case relayedReply(RelayedReply)

    /// Longer frames are refused before they are read. Both ends must know the same.
    public static let byteLimit = 8 << 20

    /// The first byte of a frame. The numbers are those of proto/replica.schema.
    package enum Kind: UInt8 {
        case messages = 1
        case heartbeat = 2
        case heartbeatAnswer = 3
        case snapshotRequest = 4
        case snapshotPart = 5
        case relayedRequest = 6
        case relayedAnswer = 7
        case relayedCall = 8
        case relayedReply = 9
    }
}

// MARK: - Reading

extension PeerFrame {
    /// - Throws: `DecodeError.unknownKind` for a frame of a later program.
    public init(decoding bytes: UnsafeRawBufferPointer) throws(DecodeError) {
        var reader = WireReader(bytes)
        guard let kind = Kind(rawValue: try reader.read()) else { throw .unknownKind }
        switch kind {
        case .messages:
            var messages: [GroupMessage] = []
            for message in try reader.read(MessagesFrame.self).messages { messages.append(try GroupMessage(message)) }
            self = .messages(messages)
        case .heartbeat: self = .heartbeat(try reader.read())
        case .heartbeatAnswer: self = .heartbeatAnswer(try reader.read())
        case .snapshotRequest: self = .snapshotRequest(try reader.read())
        case .snapshotPart: self = .snapshotPart(try reader.read())
        case .relayedRequest: self = .relayedRequest(try reader.read())
        case .relayedAnswer: self = .relayedAnswer(try reader.read())
        case .relayedCall: self = .relayedCall(try reader.read())
        case .relayedReply: self = .relayedReply(try reader.read())
        }
        try reader.finish()
    }
}
