import Protocol

extension AnyShardResponse {
    func encoded() throws(EncodeError) -> [UInt8] { try encodedBytes(capacity: encodedSize, encode) }
}

extension AnyRegistryResponse {
    func encoded() throws(EncodeError) -> [UInt8] { try encodedBytes(capacity: encodedSize, encode) }
}
