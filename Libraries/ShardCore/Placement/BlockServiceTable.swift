import Protocol

/// What a shard knows of the cluster's block services: a plain value that the service fetches from the registry.
///
/// It is used to prepare entries and to fill responses, never to decide anything when an entry is applied (metadata.md
/// C.3). Copies share their storage, so one list serves all shards of a process.
public struct BlockServiceTable: Sendable {
    public struct Service: Sendable, Hashable {
        public var id: BlockServiceID
        public var addrs: AddrsInfo
        public var storageClass: StorageClass
        public var failureDomain: FailureDomain
        public var secretKey: SecretKey
        public var flags: BlockServiceFlags

        public init(
            id: BlockServiceID, addrs: AddrsInfo, storageClass: StorageClass, failureDomain: FailureDomain,
            secretKey: SecretKey, flags: BlockServiceFlags
        ) {
            self.id = id
            self.addrs = addrs
            self.storageClass = storageClass
            self.failureDomain = failureDomain
            self.secretKey = secretKey
            self.flags = flags
        }

        public init(_ info: BlockServiceDeprecatedInfo) {
            self.init(
                id: info.id, addrs: info.addrs, storageClass: info.storageClass, failureDomain: info.failureDomain,
                secretKey: info.secretKey, flags: info.flags)
        }
    }

    /// Every block service ever heard of: spans may still refer to those the registry no longer lists.
    public private(set) var services: [BlockServiceID: Service] = [:]
    /// Where the registry wants this shard to place blocks, in its order.
    public var assigned: [BlockServiceInfoShort] = []
    /// How many distinct failure domains the services have that are not decommissioned.
    public private(set) var failureDomainCount = 0

    public init() {}

    public init(services: some Sequence<Service>, assigned: [BlockServiceInfoShort]) {
        update(services)
        self.assigned = assigned
    }

    /// The same services with another assignment: how one list serves many shards.
    public func assigning(_ assigned: [BlockServiceInfoShort]) -> BlockServiceTable {
        var table = self
        table.assigned = assigned
        return table
    }

    /// Adds and replaces services; none is ever forgotten.
    public mutating func update(_ changed: some Sequence<Service>) {
        for service in changed { services[service.id] = service }
        let alive = services.values.lazy.filter { !$0.flags.contains(.decommissioned) }
        failureDomainCount = Set(alive.map(\.failureDomain)).count
    }
}
