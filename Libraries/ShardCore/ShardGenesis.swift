import Protocol

/// What a shard is made from, once, by the first entry of its log.
public struct ShardGenesis: WireValue, Hashable {
    /// Signs the cookies of this shard's files; random, chosen by the first leader.
    public var cookieKey: SecretKey
    /// The policies of the root directory; only shard 0 uses them. All four tags must be present.
    public var rootInfo: DirectoryInfo

    public init(cookieKey: SecretKey, rootInfo: DirectoryInfo) {
        self.cookieKey = cookieKey
        self.rootInfo = rootInfo
    }

    public static var minimumWireSize: Int { SecretKey.minimumWireSize + DirectoryInfo.minimumWireSize }
    public var encodedSize: Int { cookieKey.encodedSize + rootInfo.encodedSize }

    public init(from reader: inout WireReader) throws(DecodeError) {
        cookieKey = try reader.read()
        rootInfo = try reader.read()
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(cookieKey)
        try writer.write(rootInfo)
    }
}
