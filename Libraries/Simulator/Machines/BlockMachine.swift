import Protocol

/// A model of a block server: it keeps blocks by number, honours certificates and age rules, gives proofs, and
/// registers itself, as `Services/block` does. Contents are checksums only.
final class BlockMachine: Machine {
    /// One disk.
    final class Service {
        let id: BlockServiceID
        let secretKey: SecretKey
        let key: MACKey
        fileprivate(set) var blocks: [BlockID: CRC32C] = [:]

        init(secretKey: SecretKey) {
            self.secretKey = secretKey
            id = BlockServiceID(secretKey: secretKey)
            key = MACKey(secretKey)
        }
    }

    /// Nanoseconds after a block's number was given out until which it may be written.
    static let writeWindow: UInt64 = 300_000_000_000
    /// Nanoseconds by which a number may be ahead of the clock here.
    static let futureLimit: UInt64 = 22 * 3_600_000_000_000
    /// Nanoseconds after that before which it may not be erased: longer than the write window and clock trouble, so
    /// that a late write cannot bring an erased block back.
    static let eraseDelay: UInt64 = 1_200_000_000_000

    let number: Int
    let services: [Service]

    init(_ number: Int, disks: Int, registries: Int, _ world: World, _ network: Network) {
        self.number = number
        services = (0..<disks).map { _ in
            Service(secretKey: SecretKey(low: world.random.next(), high: world.random.next()))
        }
        super.init(.blocks(number), world, network, registries: registries)
    }

    override func boot() throws {
        network.attach(.blockServer(number), of: id) { [unowned self] message, sender in receive(message, sender) }
        register()
        every(10_000_000_000...20_000_000_000) { [unowned self] in register() }
    }

    override func halt() { network.detach(.blockServer(number)) }

    private var failureDomain: FailureDomain { FailureDomain(name: "server\(number)") }

    private func register() {
        let address = IpPort(addrs: IPv4Address(rawValue: 0x0a00_0001), port: UInt16(1000 + number))
        let infos = services.map { service in
            RegisterBlockServiceInfo(
                id: service.id, locationId: .default,
                addrs: AddrsInfo(addr1: address, addr2: IpPort(addrs: IPv4Address(rawValue: 0), port: 0)),
                storageClass: .flash, failureDomain: failureDomain, secretKey: service.secretKey, flags: [],
                flagsMask: 0, capacityBytes: 1 << 40, availableBytes: 1 << 39, blocks: UInt64(service.blocks.count),
                path: Array("/disk".utf8))
        }
        // What got lost the next one makes good.
        registry.ask(.registerBlockServices(RegisterBlockServicesRequest(blockServices: infos))) { _ in }
    }

    private func receive(_ message: Message, _ sender: Endpoint) {
        guard case .blockRequest(let id, let request) = message.body else { return }
        // A block is durable before its proof goes out; a crash in between leaves nothing.
        after(world.random.spread(disk.syncTime)) { [unowned self] in
            network.send(
                Message(id: message.id, body: .blockAnswer(perform(request, at: id))), from: .blockServer(number),
                to: sender)
        }
    }

    private func perform(_ request: AnyBlocksRequest, at id: BlockServiceID) -> Result<MAC, ProtocolError> {
        guard let service = services.first(where: { $0.id == id }) else { return .failure(.blockServiceNotFound) }
        switch request {
        case .writeBlock(let request): return write(request, service)
        case .eraseBlock(let request): return erase(request, service)
        case .fetchBlockWithCrc(let request): return find(request.blockId, service)
        case .fetchPageSums(let request): return find(request.blockId, service)
        default: return .failure(.malformedRequest)
        }
    }

    private func write(_ request: WriteBlockRequest, _ service: Service) -> Result<MAC, ProtocolError> {
        let certificate = service.key.writeCertificate(
            blockService: service.id, block: request.blockId, crc: request.crc, size: request.size)
        guard certificate == request.certificate else { return .failure(.badCertificate) }
        let made = request.blockId.time.nanoseconds
        guard made < wallClock.nanoseconds + Self.futureLimit else { return .failure(.malformedRequest) }
        guard wallClock.nanoseconds < made + Self.writeWindow else { return .failure(.blockTooOldForWrite) }
        guard !disk.isFull else { return .failure(.blockIoErrorDevice) }
        service.blocks[request.blockId] = request.crc
        return .success(service.key.writeProof(blockService: service.id, block: request.blockId))
    }

    /// The bytes are known to who asks.
    private func find(_ block: BlockID, _ service: Service) -> Result<MAC, ProtocolError> {
        service.blocks[block] == nil ? .failure(.blockNotFound) : .success(MAC(rawValue: 0))
    }

    private func erase(_ request: EraseBlockRequest, _ service: Service) -> Result<MAC, ProtocolError> {
        guard service.key.eraseCertificate(blockService: service.id, block: request.blockId) == request.certificate
        else { return .failure(.badCertificate) }
        let made = request.blockId.time.nanoseconds
        let now = wallClock.nanoseconds
        guard now > made + Self.eraseDelay || made > now + Self.futureLimit + Self.eraseDelay else {
            return .failure(.blockTooRecentForDeletion)
        }
        service.blocks[request.blockId] = nil
        return .success(service.key.eraseProof(blockService: service.id, block: request.blockId))
    }
}
