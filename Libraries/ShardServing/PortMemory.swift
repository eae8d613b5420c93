import Daemon
import Directories
import EventLoop
import Glibc
import Mutations
import Protocol

/// Where the shards of a data directory listened last, so that they come back there when the system chooses the ports.
///
/// Without it a process of many shards that is restarted gets other ports, now and then one that another shard of it had
/// before. Whoever has not heard of the restart would ask that shard, which does not answer them (`isMisdirected`): it
/// costs them seconds until they ask the registry. Text, a line `SHARD ADDRESS…` each; what cannot be read is
/// as good as not there.
struct PortMemory: Sendable {
    private(set) var addresses: [ShardID: [SocketAddress]]
    private let directory: String

    /// Longer files are not ours.
    private static let sizeLimit = 1 << 16

    init(dataDirectory: String) {
        directory = dataDirectory
        addresses = [:]
        for line in Self.text(of: Self.path(in: directory)).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let number = words.first.flatMap({ UInt8($0) }) else { continue }
            addresses[ShardID(rawValue: number)] = words.dropFirst().compactMap { SocketAddress(parsing: String($0)) }
        }
    }

    private static func path(in directory: String) -> String { directory + "/ports" }

    /// The port that a shard had at an address; nil when it had none there.
    func port(of shard: ShardID, at address: SocketAddress) -> UInt16? {
        addresses[shard]?.first { $0.address == address.address }?.port
    }

    /// Whether another shard had this port, which it may still want back.
    func isWanted(_ port: UInt16, byOthersThan shard: ShardID) -> Bool {
        addresses.contains { $0.key != shard && $0.value.contains { $0.port == port } }
    }

    /// Remembers where shards listen now, durably: clients that outlive a power failure go on asking there.
    mutating func remember(_ listening: [ShardID: [SocketAddress]]) throws(SystemError) {
        let all = addresses.merging(listening) { $1 }
        guard all != addresses else { return }
        let lines = all.sorted { $0.key.rawValue < $1.key.rawValue }.map { shard, addresses in
            "\(shard.rawValue) \(addresses.map { "\($0)" }.joined(separator: " "))\n"
        }
        try replace(with: Array(lines.joined().utf8))
        addresses = all
    }

    private static func text(of path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: sizeLimit)
        let count = pread(file, &bytes, bytes.count, 0)
        return String(decoding: bytes[..<max(count, 0)], as: UTF8.self)
    }

    private func replace(with bytes: [UInt8]) throws(SystemError) {
        try SystemError.of { () throws(DirectoryError) in
            try FileReplacement.replace(
                Self.path(in: directory), with: bytes, Mutation.portsAreNotSynced.isPlanted ? .volatile : .durable)
        }
    }
}
