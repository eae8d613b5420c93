import Protocol
import ShardCore

/// Block services for tests, by number: their keys, and what they answer.
package enum TestDisks {
    package static func key(_ index: Int) -> SecretKey {
        SecretKey(low: 0x1000_0000_0000_0000 + UInt64(index) * 0x0101_0101, high: ~UInt64(index))
    }

    package static func id(_ index: Int) -> BlockServiceID { BlockServiceID(secretKey: key(index)) }

    private static let known = Dictionary(uniqueKeysWithValues: (0..<512).map { (id($0), key($0)) })

    /// The proof of a block service of this table that it has written, or erased, a block; nil for strangers.
    package static func proof(_ service: BlockServiceID, _ block: BlockID, erase: Bool = false) -> BlockProof? {
        known[service].map { proof(service, $0, block, erase: erase) }
    }

    /// The same for a block service with this key.
    package static func proof(
        _ service: BlockServiceID, _ key: SecretKey, _ block: BlockID, erase: Bool = false
    ) -> BlockProof {
        let mac = MACKey(key)
        return BlockProof(
            blockId: block,
            proof: erase
                ? mac.eraseProof(blockService: service, block: block)
                : mac.writeProof(blockService: service, block: block))
    }
}

extension BlockServiceTable {
    /// All of these, and blocks may be placed on each.
    package init(placingOn services: [Service]) {
        self.init(
            services: services,
            assigned: services.map {
                BlockServiceInfoShort(
                    locationId: .default, failureDomain: $0.failureDomain, id: $0.id, storageClass: $0.storageClass)
            })
    }
}

extension AddrsInfo {
    /// One address, on this machine.
    package static func loopback(port: UInt16) -> AddrsInfo {
        AddrsInfo(addr1: IpPort(addrs: .loopback, port: port), addr2: IpPort(addrs: .any, port: 0))
    }
}
