/// Bounds of the registry's tables. They keep every answer encodable (lists count in u16) and hostile registrations
/// from filling the memory.
package enum RegistryLimits {
    /// Shards of a cluster, fixed by the protocol.
    package static let shards = 256
    /// Replica slots of every group, fixed by the protocol.
    package static let replicas = 5
    /// 51 locations would make ALL_SHARDS (1280 rows each) overflow its u16 count.
    package static let locations = 50
    /// ALL_BLOCK_SERVICES_DEPRECATED counts in u16.
    package static let blockServices = 65_535
    /// A log entry has to fit one default UDP datagram beside the log's own headers (services.md A.2).
    package static let entryBytes = 1_400
}
