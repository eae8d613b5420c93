import Consensus
import Protocol
import Store

/// The registry's state machine: the address book of the cluster and the judge of its block services
/// (services.md A). Deterministic: entries bring their own times and rules.
///
/// Confined to whoever owns it (one loop, one test). A leader calls `prepare`, puts the entries through its log and
/// hands them to `apply` in order; every replica only applies. Reads answer from the applied state.
public final class RegistryCore {
    /// The answer to a request.
    public typealias Reply = Result<AnyRegistryResponse, ProtocolError>

    let store: any OrderedStore
    let tables: RegistryTables
    public let configuration: RegistryConfiguration

    // What the store holds, also in memory: everything is small, and most requests want all of a table.
    var meta = RegistryMeta()
    /// Nil until an entry came that is not the registry's.
    public internal(set) var standing: Standing?
    var locations: [LocationID: LocationRow] = [:]
    var blockServices: [BlockServiceID: FullBlockServiceInfo] = [:]
    /// What inodes are shown with that have no owner of their own; nil: nobody has chosen.
    var defaultOwnership: SetDefaultOwnershipRequest?

    /// Derived from the block services; see RegistryCore+Assignment.swift.
    var assignment = AssignmentState()
    /// The leader's own clockwork; see RegistryCore+Staleness.swift.
    var staleness = StalenessState()
    /// The time of the newest entry prepared here, applied or not.
    var lastPreparedTime = Timestamp(nanoseconds: 0)

    /// Opens the state under `prefix` of `store`; an empty store becomes a registry with the location "default".
    public init(
        store: any OrderedStore, prefix: [UInt8], configuration: RegistryConfiguration
    ) throws(RegistryCoreError) {
        self.store = store
        self.tables = RegistryTables(prefix: prefix)
        self.configuration = configuration
        try load()
        if locations.isEmpty { try createDefaultLocation() }
        lastPreparedTime = meta.lastEntryTime
    }

    /// The last entry contained in the state; the next one to apply comes after it.
    public var appliedIndex: LogIndex { meta.appliedIndex }

    private func load() throws(RegistryCoreError) {
        if let value = try storing({ () throws(StoreError) in try store.get(tables.metaKey) }) {
            meta = try RegistryTables.row(value, in: .meta)
        }
        if let value = try storing({ () throws(StoreError) in try store.get(tables.standingKey) }) {
            standing = try RegistryTables.row(value, in: .standing)
        }
        if let value = try storing({ () throws(StoreError) in try store.get(tables.defaultOwnershipKey) }) {
            defaultOwnership = try RegistryTables.row(value, in: .defaultOwnership)
        }
        try forEachRow(in: .locations) { (key, value) throws(RegistryCoreError) in
            guard key.count == 1, value.first == RegistryTables.valueVersion else {
                throw .corrupt("locations: malformed row")
            }
            locations[LocationID(rawValue: key[0])] = LocationRow(name: [UInt8](value.dropFirst()))
        }
        try forEachRow(in: .replicas) { (key, value) throws(RegistryCoreError) in
            guard key.count == 4, key[3] < RegistryLimits.replicas,
                let group = ReplicaGroup(storedIndex: UInt16(key[1]) << 8 | UInt16(key[2])),
                locations[LocationID(rawValue: key[0])] != nil
            else { throw .corrupt("replicas: malformed key") }
            let row = try RegistryTables.row(value, in: .replicas, as: ReplicaRow.self)
            locations[LocationID(rawValue: key[0])]?[group][Int(key[3])] = row
        }
        try forEachRow(in: .terms) { (key, value) throws(RegistryCoreError) in
            guard key.count == 3, let group = ReplicaGroup(storedIndex: UInt16(key[1]) << 8 | UInt16(key[2])) else {
                throw .corrupt("terms: malformed key")
            }
            locations[LocationID(rawValue: key[0])]?.setTerm(
                try RegistryTables.row(value, in: .terms), of: group)
        }
        try forEachRow(in: .blockServices) { (_, value) throws(RegistryCoreError) in
            let row = try RegistryTables.row(value, in: .blockServices, as: FullBlockServiceInfo.self)
            blockServices[row.id] = row
        }
    }

    private func createDefaultLocation() throws(RegistryCoreError) {
        var batch = WriteBatch()
        setLocation(LocationID(rawValue: 0), LocationRow(name: Array("default".utf8)), in: &batch)
        try write(batch)
    }
}
