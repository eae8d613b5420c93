import Client
import Filesystem
import Protocol

extension ClientOptions {
    /// Requests are given up soon, so that outages cost tests little time.
    static var impatient: ClientOptions {
        var options = ClientOptions()
        options.shardTiming = RetryTiming(
            initialNanoseconds: 20_000_000, longestNanoseconds: 100_000_000, overallNanoseconds: 300_000_000)
        options.cdcTiming = options.shardTiming
        options.writeTimeoutNanoseconds = 500_000_000
        return options
    }
}

extension Host {
    private static let nowhere = AddrsInfo(
        addr1: IpPort(addrs: .any, port: 0), addr2: IpPort(addrs: .any, port: 0))

    /// From here on these servers cannot be reached from this host.
    func lose(_ lost: Set<ShardID>, coordinator: Bool = false) async {
        let client = filesystem.client
        await filesystem.loop.task {
            let transport = client.core.transport
            // Nobody shall ask the registry again.
            transport.onSilence = nil
            guard let known = transport.addresses else { return }
            transport.addresses = ClusterAddresses(
                shards: known.shards.enumerated().map { index, address in
                    lost.contains(ShardID(rawValue: UInt8(index))) ? Self.nowhere : address
                }, cdc: coordinator ? Self.nowhere : known.cdc)
        }.value
    }

    /// All servers can be reached again.
    func reach() async throws {
        try await filesystem.client.refresh()
    }

    /// Waits until so many more requests have found no answer.
    func misses(_ count: UInt64) async {
        let client = filesystem.client
        await filesystem.loop.task {
            let enough = client.core.transport.counters.timeouts + count
            while client.core.transport.counters.timeouts < enough { await client.loop.sleep(nanoseconds: 5_000_000) }
        }.value
    }

    /// The same host, at work in another directory.
    func at(_ directory: NodeID) -> Host {
        Host(loop: loop, filesystem: filesystem, observer: observer, losses: losses, directory: directory)
    }

    /// Two directories that lie in different shards.
    func apart() async throws -> (near: NodeID, far: NodeID) {
        let near = try await filesystem.makeDirectory(Array("near".utf8), in: directory).node
        var count = 0
        while true {
            count += 1
            let made = try await filesystem.makeDirectory(Array("far \(count)".utf8), in: directory).node
            if made.inode.shard != near.inode.shard { return (near, made) }
        }
    }

    /// Moves a file to another directory under the same name.
    func move(_ name: String, to other: NodeID) async throws {
        try await filesystem.rename(
            Array(name.utf8), in: directory, to: Array(name.utf8), in: other, replaces: true)
    }
}
