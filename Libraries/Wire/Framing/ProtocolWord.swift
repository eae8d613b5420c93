/// The four bytes every packet begins with: three letters and a version (wire-protocol.md 2).
public enum ProtocolWord: UInt32, CaseIterable, Hashable, Sendable {
    case shardRequest = 0x0041_4853
    case shardResponse = 0x0141_4853
    case cdcToShardRequest = 0x0341_4853
    case cdcToShardResponse = 0x0441_4853
    case proxyRequest = 0x0541_4853
    case proxyResponse = 0x0641_4853
    /// Of Sterna: a request with a proof behind it (ProvenPacket).
    case provenShardRequest = 0x0841_4853
    case cdcRequest = 0x0043_4443
    case cdcResponse = 0x0143_4443
    case provenCdcRequest = 0x0843_4443
    case registryRequest = 0x0055_4853
    case registryResponse = 0x0155_4853
    case blocksRequest = 0x004f_4c42
    case blocksResponse = 0x014f_4c42
    case logRequest = 0x0047_4f4c
    case logResponse = 0x0147_4f4c

    /// What a packet is, told by its first four bytes; nil for anything unknown or too short. One socket serves
    /// several protocols, so look here first.
    @inlinable
    public init?(of packet: UnsafeRawBufferPointer) {
        guard packet.count >= 4, let base = packet.baseAddress else { return nil }
        self.init(rawValue: UInt32(loading: base))
    }

    /// Whether packets of this protocol are SignedPackets, between servers.
    public var isSigned: Bool {
        switch self {
        case .cdcToShardRequest, .cdcToShardResponse, .proxyRequest, .proxyResponse, .logRequest, .logResponse: true
        default: false
        }
    }

    /// Whether a log index stands before the kind: how far the answering shard's log had come.
    public var hasCheckpoint: Bool { self == .cdcToShardResponse || self == .proxyResponse }
}

extension WireReader {
    /// Steps over the protocol word, which must be `word`.
    @inlinable
    public mutating func expect(_ word: ProtocolWord) throws(DecodeError) {
        guard try read(UInt32.self) == word.rawValue else { throw .wrongProtocol }
    }
}
