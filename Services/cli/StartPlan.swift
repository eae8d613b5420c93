import Glibc

/// Everything the supervisor needs to know: which programs, with which arguments, in which order.
struct StartPlan {
    var layout: ClusterLayout
    let paths: ClusterPaths
    /// No start has finished before.
    let isNew: Bool
    let mounts: Bool
    let readyFile: String?
    /// Whether the root directory's policies are to be set once the metadata services run.
    var changesPolicy = false
    var keepDeleted = KeepTime.oneDay

    /// A service never starts before all of an earlier stage are ready, and stops before them.
    var stages: [[String]] { [["registry"], ["shard", "cdc", "block"], mounts ? ["mount", "gc"] : ["gc"]] }

    /// Arguments of a service, without those for readiness.
    func arguments(of service: String) -> [String] {
        let registry = ["--registry", "127.0.0.1:\(layout.registryPort)"]
        let data = ["--data", paths.data(of: service)]
        let anyPort = ["--address", "127.0.0.1:0"]
        switch service {
        case "registry": return ["--address", "127.0.0.1:\(layout.registryPort)"] + data
        case "shard": return registry + data + anyPort + ["--shards", "0-255"]
        case "cdc": return registry + data + anyPort
        case "block": return registry + anyPort + (0..<layout.blockServices).flatMap { ["--disk", disk($0)] }
        case "gc": return registry + data
        case "mount": return registry + [paths.mountPoint]
        default: preconditionFailure("there is no service \(service)")
        }
    }

    private func disk(_ index: Int) -> String {
        "\(paths.disks)/\(index):flash:domain-\(index % layout.failureDomains)"
    }
}
