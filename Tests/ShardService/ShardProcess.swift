import EventLoop
import TestSupport

/// A running `sterna-shard` of the build that the tests belong to.
final class ShardProcess {
    let process: ChildProcess

    /// Starts it and waits until it is ready.
    /// - Parameter log: what it says; nil: beside its data.
    init(
        shards: String, data: String, registry: SocketAddress, log: String? = nil, _ arguments: [String] = []
    ) throws {
        let all = [
            "--shards", shards, "--data", data, "--registry", "\(registry)", "--log-file", log ?? data + ".log",
        ]
        process = try ChildProcess.serving(
            "sterna-shard", all + (arguments.contains("--key-file") ? [] : ["--well-known-key"]) + arguments
        ).0
    }

    /// Sends the signal and waits for the end; returns the exit status, or 128 and the signal that ended it.
    @discardableResult
    func kill(_ signal: Int32) -> Int32 { process.end(signal) }
}
