import Protocol

/// A frame's bytes, which may go to any number of peers.
public struct EncodedFrame: Sendable {
    /// The kind, then what belongs to it.
    package let bytes: [UInt8]
    let priority: FramePriority

    /// - Throws: `EncodeError.lengthTooLarge` for more than `PeerFrame.byteLimit`.
    public init(_ frame: PeerFrame) throws(EncodeError) {
        switch frame {
        case .messages(let messages):
            var travelling: [PeerMessage] = []
            travelling.reserveCapacity(messages.count)
            for message in messages { travelling.append(try PeerMessage(message)) }
            try self.init(.messages, MessagesFrame(messages: travelling), .ordinary)
        case .heartbeat(let heartbeat): try self.init(.heartbeat, heartbeat, .urgent)
        case .heartbeatAnswer(let answer): try self.init(.heartbeatAnswer, answer, .urgent)
        case .snapshotRequest(let request): try self.init(.snapshotRequest, request, .ordinary)
        case .snapshotPart(let part): try self.init(.snapshotPart, part, .ordinary)
        case .relayedRequest(let request): try self.init(.relayedRequest, request, .relayed)
        case .relayedAnswer(let answer): try self.init(.relayedAnswer, answer, .relayed)
        case .relayedCall(let call): try self.init(.relayedCall, call, .relayed)
        case .relayedReply(let reply): try self.init(.relayedReply, reply, .relayed)
        }
    }

    /// A frame of a kind that is none of this library's.
    public init(kind: UInt8, body: some WireValue, _ priority: FramePriority) throws(EncodeError) {
        let size = 1 + body.encodedSize
        guard size <= PeerFrame.byteLimit else { throw .lengthTooLarge }
        bytes = try encodedBytes(capacity: size) { (writer) throws(EncodeError) in
            try writer.write(kind)
            try body.encode(into: &writer)
        }
        self.priority = priority
    }

    private init(_ kind: PeerFrame.Kind, _ body: some WireValue, _ priority: FramePriority) throws(EncodeError) {
        try self.init(kind: kind.rawValue, body: body, priority)
    }
}

// MARK: - Many messages

extension EncodedFrame {
    /// All messages in their order, in as few frames as they fit into.
    ///
    /// - Throws: `EncodeError.lengthTooLarge` for a message that fits into none.
    public static func frames(of messages: [GroupMessage]) throws(EncodeError) -> [EncodedFrame] {
        var frames: [EncodedFrame] = []
        var gathered: [PeerMessage] = []
        var size = emptySize
        for message in messages {
            let next = try PeerMessage(message)
            if !gathered.isEmpty, size + next.encodedSize > PeerFrame.byteLimit || gathered.count == maximumCount {
                frames.append(try EncodedFrame(.messages, MessagesFrame(messages: gathered), .ordinary))
                gathered = []
                size = emptySize
            }
            gathered.append(next)
            size += next.encodedSize
        }
        guard !gathered.isEmpty else { return frames }
        return frames + [try EncodedFrame(.messages, MessagesFrame(messages: gathered), .ordinary)]
    }

    /// The kind and the count.
    private static let emptySize = 3
    private static let maximumCount = Int(UInt16.max)
}
