import Protocol
import ShardCore

/// What the registry said about block services: the table of all, and where each shard may place blocks.
package struct BlockServiceDirectory: Sendable {
    private var known = BlockServiceTable()
    private(set) var assignments: [ShardID: [BlockServiceInfoShort]] = [:]

    /// The services of the last answer, as they came.
    package private(set) var services: [BlockServiceDeprecatedInfo] = []

    package init() {}

    /// Takes over an answer; services it does not list stay known, because spans may refer to them.
    package mutating func update(
        services: [BlockServiceDeprecatedInfo], assignments: [ShardID: [BlockServiceInfoShort]]
    ) {
        self.services = services
        known.update(services.lazy.map(BlockServiceTable.Service.init))
        self.assignments.merge(assignments) { _, latest in latest }
    }

    /// Where the registry lets one shard place blocks now.
    package mutating func assign(_ services: [BlockServiceInfoShort], to shard: ShardID) {
        assignments[shard] = services
    }

    package func table(for shard: ShardID) -> BlockServiceTable {
        // One that is not in the full list has come since that was fetched; the next answer has both.
        known.assigning((assignments[shard] ?? []).filter { known.services[$0.id] != nil })
    }
}
