/// The rules that requests are judged by. A leader writes its own rules into every entry it prepares, so all replicas
/// judge alike whatever options they were started with.
public struct RegistryRules: Sendable, Equatable {
    /// A group member may only register again from a host it shares an IP with (DIFFERENT_ADDRS_INFO otherwise).
    public var enforceStableIP: Bool
    /// A group member may not change its own leader flag (LEADER_PREEMPTED otherwise); only MOVE_*_LEADER does.
    public var enforceStableLeader: Bool
    /// Least time between two automatic decommissions, in nanoseconds.
    public var minimumAutoDecommissionIntervalNanoseconds: UInt64
    /// Automatic decommissioning stops when it would make this many failure domains of a location unavailable.
    public var maximumUnavailableFailureDomains: UInt8

    public init(
        enforceStableIP: Bool = false, enforceStableLeader: Bool = false,
        minimumAutoDecommissionIntervalNanoseconds: UInt64 = 3600 * 1_000_000_000,
        maximumUnavailableFailureDomains: UInt8 = 3
    ) {
        self.enforceStableIP = enforceStableIP
        self.enforceStableLeader = enforceStableLeader
        self.minimumAutoDecommissionIntervalNanoseconds = minimumAutoDecommissionIntervalNanoseconds
        self.maximumUnavailableFailureDomains = maximumUnavailableFailureDomains
    }
}
