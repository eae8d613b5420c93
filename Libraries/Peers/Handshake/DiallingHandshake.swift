import Consensus
import Protocol

/// A handshake on the side that has dialled. What it is given has come from anybody.
package struct DiallingHandshake {
    package let hello: PeerHello
    private let own: PeerIdentity
    private let key: PeerKey
    private var claim: (peer: PeerIdentity, keys: HandshakeKeys)?

    package init(own: PeerIdentity, to slot: ReplicaSlot, key: PeerKey) {
        self.own = own
        self.key = key
        hello = PeerHello(
            word: HandshakeVersion.word, version: HandshakeVersion.version, suite: HandshakeVersion.suite,
            key: key.name.rawValue, service: own.service.rawValue, from: PeerMember(own.member),
            to: ReplicaID(rawValue: slot.rawValue), nonce: .random())
    }

    /// The other end has answered the hello, and proved who it is.
    ///
    /// - Parameter isReplaced: whether somebody else is known to have come after a peer.
    package mutating func proof(
        answering bytes: [UInt8], isReplaced: (PeerIdentity) -> Bool
    ) throws(PeerRefusal) -> PeerProof {
        guard let answer = try? PeerAnswer(decoding: bytes) else { throw .malformed }
        let handshake = HandshakeKeys(key, hello, answer)
        guard answer.proof == handshake.acceptingProof else { throw .key }
        guard answer.from.slot == hello.to, let slot = ReplicaSlot(rawValue: answer.from.slot.rawValue) else {
            throw .otherSlot
        }
        let peer = PeerIdentity(service: own.service, slot: slot, incarnation: answer.from.incarnation)
        guard !isReplaced(peer) else { throw .replaced }
        claim = (peer, handshake)
        return PeerProof(refusal: 0, proof: handshake.diallingProof)
    }

    /// The other end takes this process for who it is.
    ///
    /// - Returns: the peer, and the key of the frames for it.
    package func welcomed(_ bytes: [UInt8]) throws(PeerRefusal) -> (peer: PeerIdentity, frameKey: [UInt8]) {
        guard let claim, let welcome = try? PeerProof(decoding: bytes) else { throw .malformed }
        guard welcome.proof == claim.keys.welcome else { throw .key }
        return (claim.peer, claim.keys.frameKey)
    }

    /// What the other end says that goes no further; nil when it goes on. Anybody may say so, and it is believed: whoever
    /// is between can end the connection as well.
    func refusal(in bytes: [UInt8]) -> PeerFailure? {
        if claim == nil {
            guard let answer = try? PeerAnswer(decoding: bytes), answer.refusal != 0 else { return nil }
            return .byPeer(answer.refusal)
        }
        guard let welcome = try? PeerProof(decoding: bytes), welcome.refusal != 0 else { return nil }
        return .byPeer(welcome.refusal)
    }

    /// How many bytes the other end says next.
    var awaitedSize: Int { claim == nil ? PeerAnswer.wireSize : PeerProof.wireSize }
}
