import Protocol

/// Who sends requests to shards: a client, or something that holds one back.
public protocol ShardCalls: Sendable {
    /// Sends a request to a shard and waits for its answer, repeating it as needed.
    func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response
}

extension Client: ShardCalls {}
