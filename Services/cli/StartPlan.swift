import EventLoop
import Glibc

/// Everything the supervisor needs to know: which programs, with which arguments, in which order.
struct StartPlan {
    var layout: ClusterLayout
    let paths: ClusterPaths
    /// No start has finished before.
    private(set) var isNew: Bool
    let mounts: Bool
    let readyFile: String?
    /// Whether the root directory's policies are to be set once the metadata services run.
    var changesPolicy = false
    var keepDeleted = KeepTime.oneDay
    /// Processes that share the disks.
    var blockProcesses = 1
    /// Where the replicas of each role listen for each other, by slot; empty: there is one of each.
    var peerPorts: [String: [UInt16]] = [:]
    /// Further options, as somebody gave them at the command line.
    var serviceOptions: [ServiceOption] = []

    /// A service never starts before all of an earlier stage are ready, and stops before them. Disks come before
    /// shards: shards ask the registry for their addresses at the start, and again only about a minute later.
    var stages: [[String]] {
        [
            replicas(of: "registry"), blocks, replicas(of: "shard") + replicas(of: "cdc"),
            mounts ? ["mount", "gc"] : ["gc"],
        ]
    }

    /// Of what there are replicas.
    static let replicated = ["registry", "shard", "cdc"]

    /// One for each replica; the first is called as its role, the others `shard-1` and so on.
    private func replicas(of role: String) -> [String] { [role] + (1..<layout.replicas).map { "\(role)-\($0)" } }

    /// The only one is called `block`, several `block-0`, `block-1` and so on.
    private var blocks: [String] {
        blockProcesses == 1 ? ["block"] : (0..<blockProcesses).map { "block-\($0)" }
    }

    /// From now on nothing begins any more: what is not there has been lost.
    mutating func hasBegun() { isNew = false }

    /// What kind of service it is, and so the name of its program: the name without a number.
    static func role(of service: String) -> String { String(service.prefix { $0 != "-" }) }

    /// Arguments of a service, without those for readiness.
    /// - Parameter address: where a block service was until it died. It comes back there, because clients and shards go
    ///   on looking for it there for up to a minute.
    func arguments(of service: String, at address: String? = nil) -> [String] {
        let role = Self.role(of: service)
        return ownArguments(of: service, role: role, at: address)
            + serviceOptions.filter { $0.role == role }.map(\.option)
    }

    private func ownArguments(of service: String, role: String, at address: String?) -> [String] {
        let registry = ["--registry", registries.map(\.description).joined(separator: ",")]
        let data = ["--data", paths.data(of: service)]
        let key = ["--key-file", paths.key]
        let anyPort = ["--address", "127.0.0.1:0"]
        switch role {
        case "registry":
            return ["--address", "\(registries[slot(of: service, role)])"] + data + key + replica(service, role)
        case "shard": return registry + data + key + anyPort + ["--shards", "0-255"] + replica(service, role)
        case "cdc": return registry + data + key + anyPort + replica(service, role)
        case "block":
            return registry + key + (address.map { ["--address", $0] } ?? anyPort)
                + disks(of: service).flatMap { ["--disk", disk($0)] }
        // All disks are one here as a rule, and somebody else is at work on it.
        case "gc": return registry + data + key + ["--scrub-bytes-per-second-per-disk", "1048576"]
        case "mount": return registry + [paths.mountPoint]
        default: preconditionFailure("there is no service \(service)")
        }
    }

    /// Where the registry's replicas are, by slot.
    var registries: [SocketAddress] {
        ([layout.registryPort] + layout.otherRegistryPorts).map { SocketAddress.loopback(port: $0) }
    }

    private func slot(of service: String, _ role: String) -> Int { Int(service.dropFirst(role.count + 1)) ?? 0 }

    /// Which replica it is, where the others are, and whether there were none before.
    private func replica(_ service: String, _ role: String) -> [String] {
        guard let ports = peerPorts[role] else { return [] }
        let peers = ports.enumerated().map { "\($0)=127.0.0.1:\($1)" }.joined(separator: ",")
        let slot = slot(of: service, role)
        return ["--replica", "\(slot)", "--peers", peers] + (isNew && slot == 0 ? ["--found"] : [])
    }

    /// The disks are dealt out in turn.
    private func disks(of service: String) -> [Int] {
        let number = Int(service.dropFirst("block-".count)) ?? 0
        return (0..<layout.blockServices).filter { $0 % blockProcesses == number }
    }

    private func disk(_ index: Int) -> String {
        "\(paths.disks)/\(index):flash:domain-\(index % layout.failureDomains)"
    }
}
