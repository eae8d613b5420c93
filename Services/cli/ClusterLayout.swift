import Glibc
import Protocol

/// What a laptop cluster consists of. Kept in `DIR/cluster` as `key = value` lines, so that a second start finds the
/// same disks, failure domains and registry port.
package struct ClusterLayout: Equatable {
    /// Disks (directories), each one block service.
    package var blockServices: Int
    /// Failure domains the disks are spread over, round robin.
    package var failureDomains: Int
    /// How spans are made redundant.
    package var policy: RedundancyPolicy
    /// TCP port of the registry; 0 until the first start has chosen one.
    package var registryPort: UInt16 = 0
    /// TCP ports of the registry's other replicas, by slot.
    package var otherRegistryPorts: [UInt16] = []
    /// Processes with a copy of the metadata of each kind.
    package var replicas = 1

    /// Largest number of disks one `sterna up` will serve.
    package static let maximumBlockServices = 1024

    /// Why a layout cannot work, in one sentence.
    package struct LayoutError: Error, CustomStringConvertible {
        package let description: String
    }

    /// Refuses what the cluster could not place or keep.
    package func validate() throws(LayoutError) {
        guard (1...Self.maximumBlockServices).contains(blockServices) else {
            throw LayoutError(description: "--block-services must be between 1 and \(Self.maximumBlockServices)")
        }
        guard (1...blockServices).contains(failureDomains) else {
            throw LayoutError(
                description: "--failure-domains must be between 1 and the number of block services (\(blockServices))")
        }
        guard [1, 3, 5].contains(replicas) else { throw LayoutError(description: "--replicas must be 1, 3 or 5") }
        guard policy.blocks <= failureDomains else {
            throw LayoutError(
                description: "policy \(policy) puts \(policy.blocks) blocks of a span on different failure domains, "
                    + "but there are only \(failureDomains)")
        }
    }
}

extension ClusterLayout {
    /// The layout of a new cluster: what was asked for, and for the rest what suits a laptop.
    package init(
        blockServices: Int?, failureDomains: Int?, policy: RedundancyPolicy?, replicas: Int? = nil
    ) throws(LayoutError) {
        let services = blockServices ?? max(failureDomains ?? 0, policy?.blocks ?? 0, 8)
        let domains = failureDomains ?? services
        self.init(
            blockServices: services, failureDomains: domains, policy: policy ?? .suited(toFailureDomains: domains),
            replicas: replicas ?? 1)
        try validate()
    }

    /// This layout with the options of a later start applied: disks can be added, never taken away here.
    package func changed(
        blockServices: Int?, failureDomains: Int?, policy: RedundancyPolicy?, replicas: Int? = nil
    ) throws(LayoutError) -> Self {
        var changed = self
        if let blockServices {
            guard blockServices >= self.blockServices else {
                throw LayoutError(
                    description: "the cluster has \(self.blockServices) block services already; "
                        + "taking disks away needs them drained first")
            }
            changed.blockServices = blockServices
        }
        if let failureDomains, failureDomains != self.failureDomains {
            throw LayoutError(
                description: "the cluster was made with \(self.failureDomains) failure domains; "
                    + "a disk cannot move to another one")
        }
        if let policy { changed.policy = policy }
        if let replicas {
            guard replicas >= self.replicas else {
                throw LayoutError(
                    description: "the cluster has \(self.replicas) replicas of its metadata; there can only be more")
            }
            changed.replicas = replicas
        }
        try changed.validate()
        return changed
    }
}

// MARK: - The file

extension ClusterLayout {
    /// Reads the layout kept at `path`; nil when there is none.
    package static func load(_ path: String) throws(LayoutError) -> ClusterLayout? {
        let text: String
        do {
            guard let found = try readTextFile(path) else { return nil }
            text = found
        } catch {
            throw LayoutError(description: "\(error)")
        }
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: "=", maxSplits: 1).map { $0.trimmed }
            guard parts.count == 2 else { throw LayoutError(description: "\(path): not a `key = value` line: \(line)") }
            values[parts[0]] = parts[1]
        }
        guard let services = values["block-services"].flatMap({ Int($0) }),
            let domains = values["failure-domains"].flatMap({ Int($0) }),
            let policy = values["policy"].flatMap({ RedundancyPolicy(String($0)) }),
            let port = values["registry-port"].flatMap({ UInt16($0) })
        else { throw LayoutError(description: "\(path) is damaged: a value is missing or out of range") }
        guard let replicas = values["replicas", default: "1"].asNumber else {
            throw LayoutError(description: "\(path) is damaged: the number of replicas is none")
        }
        let others = values["other-registry-ports", default: ""].split(separator: ",").map { UInt16($0) }
        guard others.allSatisfy({ $0 != nil }), others.count < replicas else {
            throw LayoutError(description: "\(path) is damaged: the ports of the other registries are none")
        }
        let layout = ClusterLayout(
            blockServices: services, failureDomains: domains, policy: policy, registryPort: port,
            otherRegistryPorts: others.compactMap { $0 }, replicas: replicas)
        try layout.validate()
        return layout
    }

    private var portList: String { otherRegistryPorts.map(String.init).joined(separator: ",") }

    /// Replaces the file at `path` atomically.
    package func save(_ path: String) throws(LayoutError) {
        let text = """
            # Written by sterna up; read at the next start.
            block-services = \(blockServices)
            failure-domains = \(failureDomains)
            policy = \(policy)
            registry-port = \(registryPort)
            replicas = \(replicas)
            \(otherRegistryPorts.isEmpty ? "" : "other-registry-ports = \(portList)")

            """
        do {
            try replaceTextFile(path, with: text)
        } catch {
            throw LayoutError(description: "\(error)")
        }
    }
}

extension Substring {
    fileprivate var asNumber: Int? { Int(self) }

    fileprivate var trimmed: Substring {
        var rest = self
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }
}
