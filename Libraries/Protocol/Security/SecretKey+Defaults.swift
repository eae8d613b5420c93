extension SecretKey {
    /// The published key that signs packets between the coordinator and the shards of TernFS (wire-protocol.md 3.2). It
    /// keeps misdirected packets out rather than attackers.
    public static let wellKnownCoordinatorKey = SecretKey(
        low: 0x02ba_2bf6_f01c_11a1, high: 0xfe86_94a6_e766_d225)
}
