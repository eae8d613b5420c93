import Protocol

/// How one registry replica is set up. Nothing in here is read while applying entries, except through the
/// `RegistryRules` that the entry itself carries.
public struct RegistryConfiguration: Sendable {
    /// Which location the LOCAL_* requests are about.
    public var location: LocationID
    /// Which replica slot this registry registers in.
    public var replica: ReplicaID
    public var rules: RegistryRules
    /// A block service silent for this long becomes STALE; default three minutes.
    public var stalenessDelayNanoseconds: UInt64
    /// A block service is handed to shards only this long after it appeared or its flags changed; default none.
    public var useDelayNanoseconds: UInt64
    /// The assignment is worked out anew at least this often; default thirty minutes.
    public var assignmentIntervalNanoseconds: UInt64
    /// Candidates per shard, location and storage class.
    public var assignmentTarget: Int
    /// What clients are told that the cluster can do beyond the base protocol.
    public var extensions: [ProtocolExtension]

    public init(
        location: LocationID = LocationID(rawValue: 0), replica: ReplicaID = ReplicaID(rawValue: 0),
        rules: RegistryRules = RegistryRules(),
        stalenessDelayNanoseconds: UInt64 = 180 * 1_000_000_000, useDelayNanoseconds: UInt64 = 0,
        assignmentIntervalNanoseconds: UInt64 = 1800 * 1_000_000_000,
        assignmentTarget: Int = WritableAssignment.defaultTargetPerShard,
        extensions: [ProtocolExtension] = ProtocolExtension.all
    ) {
        self.location = location
        self.replica = replica
        self.rules = rules
        self.stalenessDelayNanoseconds = stalenessDelayNanoseconds
        self.useDelayNanoseconds = useDelayNanoseconds
        self.assignmentIntervalNanoseconds = assignmentIntervalNanoseconds
        self.assignmentTarget = assignmentTarget
        self.extensions = extensions
    }
}
