import EventLoop
import Protocol
import Wire

extension UDPSocket {
    /// What a shard answers to a request.
    package func answer(
        _ result: Result<AnyShardResponse, ProtocolError>, _ kind: ShardKind, _ id: UInt64, to sender: SocketAddress
    ) {
        send(to: sender) { room in
            var writer = WireWriter(room)
            do {
                switch result {
                case .success(let response):
                    try PlainPacket.writeHeader(.shardResponse, requestID: id, kind: kind.rawValue, into: &writer)
                    try response.encode(into: &writer)
                case .failure(let code):
                    try PlainPacket.write(.shardResponse, requestID: id, error: code, into: &writer)
                }
                return writer.count
            } catch {
                return 0
            }
        }
    }
}
