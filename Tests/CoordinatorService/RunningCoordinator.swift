import EventLoop
import Protocol
import TestServices
import TestSupport

/// A running `sterna-cdc`, whose shards are all one socket that answers nothing.
final class RunningCoordinator {
    let registry: FakeRegistry
    let process: ChildProcess
    /// Hears what shards are asked.
    let shards: TestDatagramSocket
    let client: DatagramClient
    let directory: TemporaryDirectory

    /// Starts it and waits until it is ready.
    /// - Parameter hasKey: whether the cluster has a key of its own; otherwise anybody may do anything.
    init(clockSeconds: Int64? = nil, hasKey: Bool = false) throws {
        directory = try TemporaryDirectory("coordinator")
        registry = try FakeRegistry(clockSeconds: clockSeconds)
        shards = try TestDatagramSocket()
        let place = SocketAddress.loopback(port: shards.port)
        registry.state.withLock { state in
            for number in 0...UInt8.max { state.shards[ShardID(rawValue: number)] = place }
        }
        let keys = hasKey ? try directory.clusterKey() : ["--well-known-key"]
        process = try ChildProcess.serving(
            "sterna-cdc",
            [
                "--data", directory.path + "/cdc", "--registry", "\(registry.address)", "--log-file",
                directory.path + "/cdc.log",
            ] + keys
        ).0
        guard let address = registry.state.withLock({ $0.coordinator }) else {
            throw TestFailure("it is ready, and the registry does not know it")
        }
        client = try DatagramClient(address)
    }
}
