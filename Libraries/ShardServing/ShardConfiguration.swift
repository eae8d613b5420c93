import EventLoop
import Protocol
import Replicas

/// What a process of shards is to do: the command line, checked.
package struct ShardConfiguration: Sendable {
    package var shards: [ShardID]
    package var dataDirectory: String
    /// One or two; port 0 lets the system choose, otherwise shard n listens on port + n.
    package var listenAddresses: [SocketAddress]
    package var registryAddresses: [SocketAddress]
    package var loopCount: Int
    package var transientLifetimeNanoseconds: UInt64
    package var minimumHistoryAgeNanoseconds: UInt64
    package var supersededGraceNanoseconds: UInt64
    package var keys: KeyRing
    /// Whether requests of extensions are dropped.
    package var isBaseProtocolOnly: Bool
    package var location: LocationID
    package var stateMemoryBytes: Int
    package var cacheMemoryBytes: Int
    package var acceptsLostLogTail: Bool
    package var replicas: ReplicaPlan

    package init(
        shards: [ShardID], dataDirectory: String, listenAddresses: [SocketAddress],
        registryAddresses: [SocketAddress], loopCount: Int, transientLifetimeNanoseconds: UInt64,
        minimumHistoryAgeNanoseconds: UInt64, supersededGraceNanoseconds: UInt64, keys: KeyRing,
        isBaseProtocolOnly: Bool, location: LocationID, stateMemoryBytes: Int, cacheMemoryBytes: Int,
        acceptsLostLogTail: Bool, replicas: ReplicaPlan = .alone
    ) {
        self.shards = shards
        self.dataDirectory = dataDirectory
        self.listenAddresses = listenAddresses
        self.registryAddresses = registryAddresses
        self.loopCount = loopCount
        self.transientLifetimeNanoseconds = transientLifetimeNanoseconds
        self.minimumHistoryAgeNanoseconds = minimumHistoryAgeNanoseconds
        self.supersededGraceNanoseconds = supersededGraceNanoseconds
        self.keys = keys
        self.isBaseProtocolOnly = isBaseProtocolOnly
        self.location = location
        self.stateMemoryBytes = stateMemoryBytes
        self.cacheMemoryBytes = cacheMemoryBytes
        self.acceptsLostLogTail = acceptsLostLogTail
        self.replicas = replicas
    }
}
