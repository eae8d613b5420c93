import Wire

extension ChallengeResponse {
    /// The answer of somebody with the key for registry connections.
    public func proof(_ key: MACKey) -> MAC {
        withUnsafeBytes(of: (low.littleEndian, high.littleEndian)) { key.mac(of: $0) }
    }
}
