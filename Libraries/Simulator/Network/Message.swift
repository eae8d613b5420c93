import Consensus
import Peers
import Protocol

/// What travels. Datagrams get lost, doubled and late; messages on streams only get lost, with their connection.
struct Message: CustomStringConvertible {
    enum Body {
        case shardRequest(AnyShardRequest)
        case shardAnswer(Result<AnyShardResponse, ProtocolError>)
        case coordinatorRequest(AnyCdcRequest)
        case coordinatorAnswer(Result<AnyCdcResponse, ProtocolError>)
        case registryRequest(AnyRegistryRequest)
        case registryAnswer(Result<AnyRegistryResponse, ProtocolError>)
        /// The registry closes the connection on which it was asked: somebody else may know.
        case registryHangUp
        case blockRequest(BlockServiceID, AnyBlocksRequest)
        case blockAnswer(Result<MAC, ProtocolError>)
        /// What a process with replicas tells another.
        case peerFrame([UInt8], from: Member)
    }

    var id: UInt64
    /// Signed by the coordinator.
    var isSigned = false
    var body: Body

    var isStream: Bool {
        switch body {
        case .registryRequest, .registryAnswer, .registryHangUp, .blockRequest, .blockAnswer, .peerFrame: true
        default: false
        }
    }

    /// Tells messages apart in the run's digest.
    var tag: UInt64 {
        switch body {
        case .shardRequest(let request): id << 16 | UInt64(request.kind.rawValue)
        case .shardAnswer(.success(let response)): id << 16 | 0x100 | UInt64(response.kind.rawValue)
        case .shardAnswer(.failure(let error)): id << 16 | 0x200 | UInt64(error.rawValue)
        case .coordinatorRequest(let request): id << 16 | 0x300 | UInt64(request.kind.rawValue)
        case .coordinatorAnswer(.success(let response)): id << 16 | 0x400 | UInt64(response.kind.rawValue)
        case .coordinatorAnswer(.failure(let error)): id << 16 | 0x500 | UInt64(error.rawValue)
        case .registryRequest: id << 16 | 0x600
        case .registryAnswer: id << 16 | 0x700
        case .registryHangUp: id << 16 | 0xb00
        case .blockRequest: id << 16 | 0x800
        case .blockAnswer: id << 16 | 0x900
        case .peerFrame(let bytes, _): UInt64(bytes.count) << 16 | 0xa00
        }
    }

    var description: String {
        let number = "#" + String(id & 0xffff_ffff, radix: 36)
        return switch body {
        case .shardRequest(let request): "\(number) \(request)"
        case .shardAnswer(let answer): "\(number) \(Self.text(answer))"
        case .coordinatorRequest(let request): "\(number) \(request)"
        case .coordinatorAnswer(let answer): "\(number) \(Self.text(answer))"
        case .registryRequest(let request): "\(number) \(request.kind)"
        case .registryAnswer(.success(let response)): "\(number) \(response.kind)"
        case .registryAnswer(.failure(let error)): "\(number) \(error)"
        case .registryHangUp: "\(number) hangs up"
        case .blockRequest(let service, let request): "\(number) \(service) \(request)"
        case .blockAnswer(let answer): "\(number) \(Self.text(answer))"
        case .peerFrame(let bytes, _): bytes.withUnsafeBytes { (try? PeerFrame(decoding: $0))?.summary ?? "nothing" }
        }
    }

    private static func text<T>(_ answer: Result<T, ProtocolError>) -> String {
        switch answer {
        case .success(let response): "ok \(response)"
        case .failure(let error): "\(error)"
        }
    }
}
