import Protocol

// What only fills responses: addresses, failure domains and certificates, from the table of block services. A block
// service that this replica does not know (it has just started) leaves them zero; the client cannot use such a block
// and tries again.

extension ShardCore {
    private static let noAddresses = AddrsInfo(
        addr1: IpPort(addrs: .any, port: 0), addr2: IpPort(addrs: .any, port: 0))

    func newBlockInfo(_ block: SpanBlock, _ blockSize: UInt32) -> AddSpanInitiateBlockInfo {
        let service = blockServices.services[block.service]
        let key = secrets.key(of: block.service, in: blockServices)
        return AddSpanInitiateBlockInfo(
            blockServiceAddrs: service?.addrs ?? Self.noAddresses, blockServiceId: block.service,
            blockServiceFailureDomain: service?.failureDomain ?? FailureDomain.none, blockId: block.id,
            certificate: key?.writeCertificate(
                blockService: block.service, block: block.id, crc: block.crc, size: blockSize) ?? MAC(rawValue: 0))
    }

    func doomedBlockInfo(_ block: SpanBlock) -> RemoveSpanInitiateBlockInfo {
        let service = blockServices.services[block.service]
        let key = secrets.key(of: block.service, in: blockServices)
        return RemoveSpanInitiateBlockInfo(
            blockServiceAddrs: service?.addrs ?? Self.noAddresses, blockServiceId: block.service,
            blockServiceFailureDomain: service?.failureDomain ?? FailureDomain.none,
            blockServiceFlags: service?.flags ?? [],
            blockId: block.id,
            certificate: key?.eraseCertificate(blockService: block.service, block: block.id) ?? MAC(rawValue: 0))
    }

    /// What a reader is told of a block service.
    func readableService(_ id: BlockServiceID) -> BlockService {
        let service = blockServices.services[id]
        return BlockService(addrs: service?.addrs ?? Self.noAddresses, id: id, flags: service?.flags ?? [])
    }
}
