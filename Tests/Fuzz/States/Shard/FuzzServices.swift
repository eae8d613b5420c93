import Protocol
import ShardCore

/// The block services of the shard under test: 16 failure domains with a flash and a hard disk each.
enum FuzzServices {
    private static let count = 32

    private static func key(_ index: Int) -> SecretKey {
        SecretKey(low: 0x1000_0000_0000_0000 + UInt64(index) * 0x0101_0101, high: ~UInt64(index))
    }

    private static let keys = Dictionary(
        uniqueKeysWithValues: (0..<count).map { (BlockServiceID(secretKey: key($0)), key($0)) })

    static let all: [BlockServiceTable.Service] = (0..<count).map { index in
        BlockServiceTable.Service(
            id: BlockServiceID(secretKey: key(index)),
            addrs: AddrsInfo(
                addr1: IpPort(addrs: .loopback, port: UInt16(1000 + index)), addr2: IpPort(addrs: .any, port: 0)),
            storageClass: index % 2 == 0 ? .flash : .hdd, failureDomain: FailureDomain(name: "domain-\(index / 2)"),
            secretKey: key(index), flags: [])
    }

    static let table = BlockServiceTable(services: all, assigned: all.map(short))

    /// The table after some services got `flags`, and with only the first `assigned` to be written to.
    static func table(flags: UInt8, on mask: UInt8, assigned: Int) -> BlockServiceTable {
        let services = all.enumerated().map { index, service in
            var service = service
            if mask >> UInt8(index % 8) & 1 == 1 { service.flags = BlockServiceFlags(rawValue: flags) }
            return service
        }
        return BlockServiceTable(services: services, assigned: services.prefix(assigned).map(short))
    }

    private static func short(_ service: BlockServiceTable.Service) -> BlockServiceInfoShort {
        BlockServiceInfoShort(
            locationId: .default, failureDomain: service.failureDomain, id: service.id,
            storageClass: service.storageClass)
    }

    /// What the service says when it has written, or erased, the block.
    static func proof(_ service: BlockServiceID, _ block: BlockID, erased: Bool) -> BlockProof {
        guard let key = keys[service] else { return BlockProof(blockId: block, proof: MAC(rawValue: 0)) }
        let mac = MACKey(key)
        return BlockProof(
            blockId: block,
            proof: erased
                ? mac.eraseProof(blockService: service, block: block)
                : mac.writeProof(blockService: service, block: block))
    }
}
