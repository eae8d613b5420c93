import EventLoop
import Replicas

/// Who asked a shard for something, as a value: where the answer goes, and what tells a repetition of a request from
/// another one.
package struct RequestSource: Hashable, Sendable {
    package let way: ClientWay
    package let requestID: UInt64
    /// Which of the coordinator's keys the packet is signed with; nil when it is not from there.
    package let signer: UInt8?

    package init(_ way: ClientWay, requestID: UInt64, signer: UInt8? = nil) {
        self.way = way
        self.requestID = requestID
        self.signer = signer
    }

    package var client: SocketAddress { way.client }

    package var isSigned: Bool { signer != nil }

    /// With request id 0 no client waits for the answer to a write, and no two requests are the same one
    /// (wire-protocol.md 3.3).
    package var isAwaited: Bool { isSigned || requestID != 0 }

    /// Who repeats a request may send it to another address of the shard, or to another replica. What is not signed may
    /// come from anywhere, and does not keep out what is.
    struct Identity: Hashable {
        let requestID: UInt64
        let client: SocketAddress
        let isSigned: Bool
    }

    var identity: Identity { Identity(requestID: requestID, client: client, isSigned: isSigned) }
}
