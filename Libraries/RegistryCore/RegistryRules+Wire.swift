import Wire

extension RegistryRules: FixedWireValue {
    public static let wireSize = 10

    public init(loading bytes: UnsafeRawPointer) {
        let flags = UInt8(loading: bytes)
        self.init(
            enforceStableIP: flags & 1 != 0, enforceStableLeader: flags & 2 != 0,
            minimumAutoDecommissionIntervalNanoseconds: UInt64(loading: bytes + 1),
            maximumUnavailableFailureDomains: UInt8(loading: bytes + 9))
    }

    public func store(to bytes: UnsafeMutableRawPointer) {
        ((enforceStableIP ? 1 : 0) | (enforceStableLeader ? 2 : 0) as UInt8).store(to: bytes)
        minimumAutoDecommissionIntervalNanoseconds.store(to: bytes + 1)
        maximumUnavailableFailureDomains.store(to: bytes + 9)
    }
}
