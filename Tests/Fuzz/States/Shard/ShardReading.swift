import Protocol
import ShardCore

/// Both ways in which a core answers reads: typed, and from datagram to datagram.
enum ShardReading {
    static func answers(
        _ core: ShardCore, _ request: AnyShardRequest, _ body: UnsafeRawBufferPointer
    ) throws -> (typed: ShardReply, bytes: ShardReply) {
        (try typed(core, request), try bytes(core, request.kind, body))
    }

    private static func typed(_ core: ShardCore, _ request: AnyShardRequest) throws(ShardFailure) -> ShardReply {
        do throws(ShardFailure) {
            return .response(try core.read(request))
        } catch .refused(let code) {
            return .refused(code)
        }
    }

    private static func bytes(
        _ core: ShardCore, _ kind: ShardKind, _ body: UnsafeRawBufferPointer
    ) throws -> ShardReply {
        var room = [UInt8](repeating: 0, count: 65_507)
        let outcome = room.withUnsafeMutableBytes { room -> Result<AnyShardResponse, any Error> in
            Result {
                var writer = WireWriter(room)
                try core.read(kind, body, into: &writer)
                return try AnyShardResponse.decode(
                    kind: kind.rawValue, body: UnsafeRawBufferPointer(rebasing: room[..<writer.count]))
            }
        }
        do {
            return .response(try outcome.get())
        } catch ShardFailure.refused(let code) {
            return .refused(code)
        }
    }
}
