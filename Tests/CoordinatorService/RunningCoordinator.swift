import EventLoop
import Foundation
import Glibc
import Protocol
import TestServices
import TestSupport

/// A running `sterna-cdc`, whose shards are all one socket that answers nothing.
final class RunningCoordinator {
    let registry: FakeRegistry
    private(set) var process: ChildProcess
    /// Hears what shards are asked.
    let shards: TestDatagramSocket
    private(set) var client: DatagramClient
    let directory: TemporaryDirectory
    private let keys: [String]

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
        keys = hasKey ? try directory.clusterKey() : ["--well-known-key"]
        (process, client) = try Self.start(in: directory, registry, keys)
    }

    private static func start(
        in directory: TemporaryDirectory, _ registry: FakeRegistry, _ keys: [String]
    ) throws -> (ChildProcess, DatagramClient) {
        registry.state.withLock { $0.coordinator = nil }
        let process = try ChildProcess.serving(
            "sterna-cdc",
            [
                "--data", directory.path + "/cdc", "--registry", "\(registry.address)", "--log-file",
                directory.path + "/cdc.log",
            ] + keys
        ).0
        guard let address = registry.state.withLock({ $0.coordinator }) else {
            throw TestFailure("it is ready, and the registry does not know it")
        }
        return (process, try DatagramClient(address))
    }

    /// Lets it end in order, and starts it once more, with the registry's clock so far ahead of its own.
    /// - Returns: how many transactions it found begun.
    func restart(clockSeconds: Int64) throws -> Int? {
        guard process.end(SIGTERM) == 0 else { throw TestFailure("it did not end in order") }
        registry.state.withLock { $0.clockSeconds = clockSeconds }
        (process, client) = try Self.start(in: directory, registry, keys)
        return try log().matches(of: /(\d+) things to recover/).last.flatMap { Int($0.1) }
    }

    private func log() throws -> String { try String(contentsOfFile: directory.path + "/cdc.log", encoding: .utf8) }

    /// What it said of this when it was asked a while ago; asks once more.
    func counter(_ name: String) throws -> Int? {
        kill(process.identifier, SIGUSR1)
        return try log().split(separator: "\n").last { $0.contains(" \(name) ") }?.split(separator: " ").last.flatMap {
            Int($0)
        }
    }
}
