extension SecretKey {
    /// The published default of the key that signs packets between coordinator and shards (wire-protocol.md 3.2). It
    /// keeps misdirected packets out rather than attackers; every cluster may have its own.
    public static let defaultCdcKey = SecretKey(
        low: 0x02ba_2bf6_f01c_11a1, high: 0xfe86_94a6_e766_d225)
}
