import Consensus
import Peers
import Protocol
import TestSupport
import Testing

/// What two processes say before their first frame, altered on its way.
@Suite(.timeLimit(.minutes(1)))
struct HandshakeTests {
    /// The four messages of a handshake.
    private enum Message: CaseIterable {
        case hello, answer, proof, welcome

        var size: Int {
            switch self {
            case .hello: PeerHello.wireSize
            case .answer: PeerAnswer.wireSize
            case .proof, .welcome: PeerProof.wireSize
            }
        }
    }

    /// Goes through a handshake of which one byte is altered; nil for none.
    ///
    /// - Returns: the keys that both ends have for their frames.
    private func keys(altering altered: (Message, Int)?) throws -> (dialling: [UInt8], accepting: [UInt8]) {
        func arriving(_ message: Message, _ bytes: [UInt8]) -> [UInt8] {
            guard let altered, altered.0 == message else { return bytes }
            var bytes = bytes
            bytes[altered.1] ^= 0x04
            return bytes
        }
        let key = RawPeer.key
        var dialling = DiallingHandshake(own: PeerIdentity(1), to: ReplicaSlot.all[0], key: key)
        var accepting = AcceptingHandshake(own: PeerIdentity(0), keys: [key])
        let hello = arriving(.hello, try dialling.hello.encoded())
        let answer = arriving(.answer, try accepting.answer(to: hello) { _ in false }.encoded())
        let proof = arriving(.proof, try dialling.proof(answering: answer) { _ in false }.encoded())
        let accepted = try accepting.welcome(proof)
        let welcomed = try dialling.welcomed(arriving(.welcome, try accepted.welcome.encoded()))
        #expect(accepted.peer == PeerIdentity(1) && welcomed.peer == PeerIdentity(0))
        return (welcomed.frameKey, accepted.frameKey)
    }

    @Test func bothEndsHaveTheSameKeyAndNobodyHasItAgain() throws {
        let (first, second) = (try keys(altering: nil), try keys(altering: nil))
        #expect(first.dialling == first.accepting && second.dialling == second.accepting)
        #expect(first.dialling != second.dialling)
        #expect(first.dialling.count == 32)
    }

    /// A refusal is not part of what is proved; anything else is.
    @Test func everyByteCounts() {
        for message in Message.allCases {
            for place in 0..<message.size {
                if message == .proof || message == .welcome, place == 0 { continue }
                #expect(throws: PeerRefusal.self, "\(message), byte \(place)") {
                    try keys(altering: (message, place))
                }
            }
        }
    }

    @Test func noiseIsRefused() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2_000 {
            let bytes = random.bytes(Int.random(in: 0...100, using: &random))
            var accepting = AcceptingHandshake(own: PeerIdentity(0), keys: [RawPeer.key])
            var dialling = DiallingHandshake(own: PeerIdentity(1), to: ReplicaSlot.all[0], key: RawPeer.key)
            #expect(throws: PeerRefusal.self) { try accepting.answer(to: bytes) { _ in false } }
            #expect(throws: PeerRefusal.self) { try accepting.welcome(bytes) }
            #expect(throws: PeerRefusal.self) { try dialling.proof(answering: bytes) { _ in false } }
            #expect(throws: PeerRefusal.self) { try dialling.welcomed(bytes) }
        }
    }
}
