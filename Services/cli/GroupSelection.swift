import ArgumentParser
import Protocol

/// Groups of replicas on a command line: `shards`, `cdc`, `registry`, `all`, or shards by their numbers, as `7` or `0-7`.
package struct GroupSelection: ExpressibleByArgument, Equatable {
    /// Never empty.
    package let groups: [GroupNumber]

    static let shards = ShardID.all.map { GroupNumber($0) }

    package init?(argument: String) {
        switch argument {
        case "shards": groups = Self.shards
        case "cdc": groups = [.coordinator]
        case "registry": groups = [.registry]
        case "all": groups = Self.shards + [.coordinator, .registry]
        default:
            let ends = argument.split(separator: "-", omittingEmptySubsequences: false).map { UInt8($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last
            else { return nil }
            groups = (first...last).map { GroupNumber(ShardID(rawValue: $0)) }
        }
    }
}
