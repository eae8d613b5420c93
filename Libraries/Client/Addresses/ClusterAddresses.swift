import Protocol

/// Where the services of the cluster are, as the registry said last.
package struct ClusterAddresses: Sendable, Hashable {
    /// Leaders of the 256 shards, by number; port 0 where unknown.
    package let shards: [AddrsInfo]
    package let cdc: AddrsInfo

    /// nil unless there are exactly 256 shards.
    package init?(shards: [AddrsInfo], cdc: AddrsInfo) {
        guard shards.count == 256 else { return nil }
        self.shards = shards
        self.cdc = cdc
    }
}

/// Whom a client asks for addresses: the registry, or a test.
package protocol AddressSource: Sendable {
    func addresses() async throws(ClientError) -> ClusterAddresses
    func totals() async throws(ClientError) -> InfoResponse
    /// Where block services are, and how they are.
    func blockServices() async throws(ClientError) -> [BlockServiceDeprecatedInfo]
    /// What the cluster can do beyond the base protocol; nil when it cannot be found out now.
    func extensions() async -> Set<ProtocolExtension>?
    /// What inodes are shown with that have no owner of their own.
    func defaultOwnership() async throws(ClientError) -> DefaultOwnershipResponse
    func close() async
}
