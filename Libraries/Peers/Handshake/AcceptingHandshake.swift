import Consensus
import Mutations
import Protocol

/// A handshake on the side that has accepted the connection. What it is given has come from anybody.
package struct AcceptingHandshake {
    private let own: PeerIdentity
    private let keys: [PeerKey]
    private var claim: (peer: PeerIdentity, keys: HandshakeKeys)?
    /// Where somebody says they are who has not proved it.
    private(set) var claimedSlot: ReplicaSlot?

    package init(own: PeerIdentity, keys: [PeerKey]) {
        self.own = own
        self.keys = keys
    }

    /// - Parameter isReplaced: whether somebody else is known to have come after a peer.
    package mutating func answer(
        to bytes: [UInt8], isReplaced: (PeerIdentity) -> Bool
    ) throws(PeerRefusal) -> PeerAnswer {
        guard let hello = try? PeerHello(decoding: bytes), hello.word == HandshakeVersion.word else {
            throw .malformed
        }
        claimedSlot = ReplicaSlot(rawValue: hello.from.slot.rawValue)
        let peer = try identity(of: hello)
        guard !isReplaced(peer) else { throw .replaced }
        guard let key = keys.first(where: { $0.name.rawValue == hello.key }) else { throw .key }
        var answer = PeerAnswer(refusal: 0, from: PeerMember(own.member), nonce: .random(), proof: .zero)
        let handshake = HandshakeKeys(key, hello, answer)
        answer.proof = handshake.acceptingProof
        claim = (peer, handshake)
        return answer
    }

    /// Who somebody says they are, if this process may talk to them.
    private func identity(of hello: PeerHello) throws(PeerRefusal) -> PeerIdentity {
        guard hello.version == HandshakeVersion.version else { throw .version }
        guard hello.suite == HandshakeVersion.suite else { throw .suite }
        guard hello.service == own.service.rawValue else { throw .service }
        guard let slot = claimedSlot else { throw .malformed }
        guard slot != own.slot else { throw .ownSlot }
        guard hello.to.rawValue == own.slot.rawValue else { throw .otherSlot }
        return PeerIdentity(service: own.service, slot: slot, incarnation: hello.from.incarnation)
    }

    /// The peer proves who it is.
    ///
    /// - Returns: the peer, the last message of the handshake, and the key of its frames.
    package func welcome(
        _ bytes: [UInt8]
    ) throws(PeerRefusal) -> (peer: PeerIdentity, welcome: PeerProof, frameKey: [UInt8]) {
        guard let claim, let proof = try? PeerProof(decoding: bytes) else { throw .malformed }
        guard proof.proof == claim.keys.diallingProof || Mutation.anyKeyWillDo.isPlanted else { throw .key }
        return (claim.peer, PeerProof(refusal: 0, proof: claim.keys.welcome), claim.keys.frameKey)
    }

    /// What a peer that goes no further says of it; nil when it goes on.
    func refusal(in bytes: [UInt8]) -> PeerFailure? {
        guard let proof = try? PeerProof(decoding: bytes), proof.refusal != 0 else { return nil }
        return .byPeer(proof.refusal)
    }
}
