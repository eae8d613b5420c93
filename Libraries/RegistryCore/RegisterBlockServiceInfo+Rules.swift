import Protocol

extension RegisterBlockServiceInfo {
    /// What can be refused whatever is known about the service.
    func checkRegistrable() throws(ProtocolError) {
        guard id.rawValue != 0, addrs.isRegistrable, storageClass == .hdd || storageClass == .flash else {
            throw .malformedRequest
        }
        guard BlockServiceFlags(rawValue: flagsMask).isDisjoint(with: [.decommissioned, .stale]) else {
            throw .cannotRegisterDecommissionedOrStale
        }
    }
}

extension BlockServiceFlags {
    /// The flags that a registering block service may set or clear for itself.
    static let settable: BlockServiceFlags = [.noRead, .noWrite]
}

extension FullBlockServiceInfo {
    /// The row of a service that registers for the first time.
    init(new service: RegisterBlockServiceInfo, flags: BlockServiceFlags, at time: Timestamp) {
        self.init(
            id: service.id, locationId: service.locationId, addrs: service.addrs, storageClass: service.storageClass,
            failureDomain: service.failureDomain, secretKey: service.secretKey, flags: flags,
            capacityBytes: service.capacityBytes, availableBytes: service.availableBytes, blocks: service.blocks,
            firstSeen: time, lastSeen: time, lastInfoChange: time, hasFiles: false, path: service.path)
    }
}
