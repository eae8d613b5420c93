import CoordinatorCore
import Protocol
import ShardCore

/// What must hold over all shards and the coordinator when nothing is under way (spec A.13: X1–X9).
package struct ClusterCheck {
    private let cores: [ShardCore]
    private(set) var violations: [String] = []
    private var directories: [InodeID: StatDirectoryResponse] = [:]
    private var linkedFiles: Set<InodeID> = []
    /// Linked files without a name that others refer to.
    private var bodies: Set<InodeID> = []
    private var owning: [InodeID: Int] = [:]
    private var currentEdges: [InodeID: [InodeID]] = [:]
    private var blockUses: [BlockID: Int] = [:]

    /// Everything wrong, one sentence each.
    package static func violations(_ cores: [ShardCore], _ coordinator: Coordinator) -> [String] {
        var check = ClusterCheck(cores: cores)
        for core in cores { check.visit(core) }
        check.checkDirectories()
        check.checkFiles()
        check.checkParents(coordinator)
        return check.violations
    }

    private init(cores: [ShardCore]) { self.cores = cores }

    private mutating func visit(_ core: ShardCore) {
        let reader = CoreReader(core)
        for id in reader.directories() {
            directories[id] = reader.status(of: id)
            let edges = reader.edges(of: id)
            for edge in edges { visit(edge, of: id) }
            let groups = Dictionary(grouping: edges.filter(\.current), by: \.nameHash)
            for (hash, names) in groups where names.count > ShardCore.largestHashGroup {
                violations.append("\(id) has \(names.count) names of the hash \(hash)")
            }
        }
        let files = reader.files()
        linkedFiles.formUnion(files)
        for file in files {
            for block in reader.ownBlocks(of: file) { blockUses[block.blockId, default: 0] += 1 }
            if reader.references(of: file).isBody { bodies.insert(file) }
        }
    }

    private mutating func visit(_ edge: Edge, of directory: InodeID) {
        let target = edge.targetId.id
        if edge.current {
            currentEdges[target, default: []].append(directory)
            if edge.targetId.flag { violations.append("X7: \(directory) has a locked edge to \(target)") }
        }
        if edge.current || edge.targetId.flag { owning[target, default: 0] += 1 }
    }

    private mutating func checkDirectories() {
        for (id, status) in directories where id != .root {
            let parents = currentEdges[id] ?? []
            if status.owner.isNull {
                if !parents.isEmpty { violations.append("X2: \(id) has no owner but edges in \(parents)") }
                let tags = Set(status.info.entries.map(\.tag))
                if !tags.isSuperset(of: [.snapshot, .span, .block, .stripe]) {
                    violations.append("X9: \(id) lacks policies")
                }
            } else if parents != [status.owner] {
                violations.append("X1: \(id) is owned by \(status.owner) but has edges in \(parents)")
            }
        }
        for (target, parents) in currentEdges where target.isDirectory && directories[target] == nil {
            violations.append("X2: \(parents) point at \(target), which is missing")
        }
    }

    private mutating func checkFiles() {
        for file in linkedFiles where owning[file] ?? 0 != (bodies.contains(file) ? 0 : 1) {
            violations.append("X3: file \(file) has \(owning[file] ?? 0) owners")
        }
        for target in owning.keys where target.isFile && !linkedFiles.contains(target) {
            violations.append("X4: an edge owns \(target), which is not linked")
        }
        for (block, uses) in blockUses where uses > 1 {
            violations.append("X8: block \(block) is used \(uses) times")
        }
    }

    private mutating func checkParents(_ coordinator: Coordinator) {
        let live = directories.filter { $0.key != .root && !$0.value.owner.isNull }.mapValues(\.owner)
        do {
            let parents = try coordinator.parents()
            for (id, owner) in live where parents[id] != owner {
                violations.append("X6: \(id) is owned by \(owner), the coordinator says \(parents[id] ?? .null)")
            }
            for id in parents.keys where live[id] == nil {
                violations.append("X6: \(id) is not alive, the coordinator says so")
            }
            try coordinator.checkInvariants { violations.append("\($0.rule): \($0)") }
        } catch {
            violations.append("the coordinator cannot be checked: \(error)")
        }
        for id in live.keys {
            var seen: Set<InodeID> = [id]
            var directory = id
            while directory != .root {
                guard let owner = live[directory], owner == .root || seen.insert(owner).inserted else {
                    violations.append("X5: \(id) does not lead to the root")
                    break
                }
                directory = owner
            }
        }
    }
}
