import Protocol

/// What both ends of a connection must have in common.
package enum HandshakeVersion {
    /// `REP` and a zero.
    package static let word: UInt32 = 0x0050_4552
    /// Of the handshake and of the frames.
    package static let version: UInt8 = 1
    /// Frames carry the first half of an HMAC with SHA-256. There is no other suite yet; one that encrypts would be.
    package static let suite: UInt8 = 1
}
