import Protocol

/// The keys a shard signs and checks with, their schedules set up once.
final class ShardSecrets {
    private var cookieKey: (SecretKey, MACKey)?
    private var serviceKeys: [BlockServiceID: MACKey] = [:]

    /// Schedules kept for block services: enough for the span at hand. One takes some kilobytes, and a process may have
    /// 256 shards.
    private static let serviceLimit = 16

    func cookie(of file: InodeID, _ identity: ShardIdentity) -> Cookie {
        if let (secret, key) = cookieKey, secret == identity.cookieKey { return key.cookie(for: file) }
        let key = MACKey(identity.cookieKey)
        cookieKey = (identity.cookieKey, key)
        return key.cookie(for: file)
    }

    /// The key of a block service; nil when the service is not known.
    func key(of service: BlockServiceID, in table: BlockServiceTable) -> MACKey? {
        if let key = serviceKeys[service] { return key }
        guard let secret = table.services[service]?.secretKey else { return nil }
        if serviceKeys.count >= Self.serviceLimit { serviceKeys.removeAll(keepingCapacity: true) }
        let key = MACKey(secret)
        serviceKeys[service] = key
        return key
    }

    /// To be called when the table of block services was replaced.
    func forgetServices() {
        serviceKeys.removeAll(keepingCapacity: true)
    }
}
