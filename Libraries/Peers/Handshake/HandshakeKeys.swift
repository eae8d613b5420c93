import Protocol

/// What follows from a key and all that both sides have said in a handshake: the numbers that each has drawn, so that no
/// proof and no frame is good for another connection, and who each says it is.
struct HandshakeKeys {
    private let key: PeerKey
    private let transcript: [UInt8]

    /// - Parameter answer: what its proof says is left out.
    init(_ key: PeerKey, _ hello: PeerHello, _ answer: PeerAnswer) {
        var unproven = answer
        unproven.proof = .zero
        self.key = key
        transcript = hello.bytes + unproven.bytes
    }

    /// Of the one that has accepted the connection, in its answer.
    var acceptingProof: PeerToken { token(for: 1) }
    /// Of the one that has dialled.
    var diallingProof: PeerToken { token(for: 2) }
    /// Of the one that has accepted, once it takes the other for who it is.
    var welcome: PeerToken { token(for: 3) }
    /// What frames are protected with.
    var frameKey: [UInt8] { code(for: 4) }

    private func code(for purpose: UInt8) -> [UInt8] { key.code(of: [purpose] + transcript) }

    private func token(for purpose: UInt8) -> PeerToken {
        code(for: purpose).withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, bytes.count == PeerToken.wireSize else { return .zero }
            return PeerToken(loading: start)
        }
    }
}

extension FixedWireValue {
    /// The encoding. A buffer of the right size always suffices.
    var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.wireSize) { buffer, count in
            if let start = buffer.baseAddress { store(to: UnsafeMutableRawPointer(start)) }
            count = Self.wireSize
        }
    }
}
