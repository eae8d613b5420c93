import Consensus
import Peers
import Protocol
import TestSupport

/// The dialling end of a connection, in the hands of a test.
struct RawPeer {
    let socket: TestSocket
    let seal: FrameSeal

    /// Dials as `identity`, and goes through the handshake.
    init(_ identity: PeerIdentity, to peer: RunningPeer, key: PeerKey = RawPeer.key) throws {
        socket = try TestSocket.connected(port: peer.address.port)
        var handshake = DiallingHandshake(own: identity, to: peer.identity.slot, key: key)
        try socket.send(try handshake.hello.encoded())
        let proof = try handshake.proof(answering: try socket.receive(PeerAnswer.wireSize)) { _ in false }
        try socket.send(try proof.encoded())
        seal = FrameSeal(key: try handshake.welcomed(try socket.receive(PeerProof.wireSize)).frameKey)
    }

    static var key: PeerKey { KeyRing.ofTests.peerKeys[0] }

    /// A frame as it goes over this connection next.
    func sealed(_ bytes: [UInt8]) -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: bytes.count + FrameSeal.overhead)
        frame.withUnsafeMutableBytes { seal.seal(bytes, to: $0) }
        return frame
    }
}

/// The listening end, in the hands of a test: accepts one connection and goes through the handshake.
struct RawListener {
    let listener: TestSocket
    let port: UInt16

    init() throws { (listener, port) = try TestSocket.listening() }

    func accept(as identity: PeerIdentity) throws -> TestSocket {
        guard let socket = listener.accepted() else { throw TestFailure("nobody dials") }
        var handshake = AcceptingHandshake(own: identity, keys: [RawPeer.key])
        let answer = try handshake.answer(to: try socket.receive(PeerHello.wireSize)) { _ in false }
        try socket.send(try answer.encoded())
        try socket.send(try handshake.welcome(try socket.receive(PeerProof.wireSize)).welcome.encoded())
        return socket
    }
}
