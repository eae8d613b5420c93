import CoordinatorCore
import Protocol

/// X1–X7 and X9 of spec A.13 over all shards and the coordinator, when nothing is under way; and each shard's own
/// rules.
struct NamespaceCheck {
    private let shards: ShardSet
    private(set) var violations: [String] = []
    private var directories: [InodeID: StatDirectoryResponse] = [:]
    private var linkedFiles: Set<InodeID> = []
    private var owning: [InodeID: Int] = [:]
    private var currentEdges: [InodeID: [InodeID]] = [:]

    /// Everything wrong, one sentence each.
    static func violations(_ shards: ShardSet, _ coordinator: Coordinator) throws -> [String] {
        var check = NamespaceCheck(shards: shards)
        try check.visitInodes()
        try check.visitEdges()
        try check.checkDirectories()
        check.checkFiles()
        try check.checkParents(coordinator)
        return check.violations
    }

    private init(shards: ShardSet) { self.shards = shards }

    private mutating func visitInodes() throws {
        for (shard, core) in shards.cores {
            try core.checkInvariants { violations.append("shard \(shard): \($0)") }
            var begin = InodeID.null
            repeat {
                let request = AnyShardRequest.visitDirectories(VisitDirectoriesRequest(beginId: begin, mtu: 8972))
                guard case .success(.visitDirectories(let page)) = try shards.perform(request, at: shard) else { break }
                for id in page.ids { directories[id] = try shards.stat(id).get() }
                begin = page.nextId
            } while begin != .null
            begin = .null
            repeat {
                let request = AnyShardRequest.visitFiles(VisitFilesRequest(beginId: begin, mtu: 8972))
                guard case .success(.visitFiles(let page)) = try shards.perform(request, at: shard) else { break }
                linkedFiles.formUnion(page.ids)
                begin = page.nextId
            } while begin != .null
        }
    }

    private mutating func visitEdges() throws {
        for directory in directories.keys {
            for edge in try shards.edges(of: directory) {
                let target = edge.targetId.id
                if edge.current {
                    currentEdges[target, default: []].append(directory)
                    if edge.targetId.flag { violations.append("X7: \(directory) has a locked edge to \(target)") }
                }
                if edge.current || edge.targetId.flag { owning[target, default: 0] += 1 }
            }
        }
    }

    private mutating func checkDirectories() throws {
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
        for file in linkedFiles where owning[file] != 1 {
            violations.append("X3: file \(file) has \(owning[file] ?? 0) owners")
        }
        for target in owning.keys where target.isFile && !linkedFiles.contains(target) {
            violations.append("X4: an edge owns \(target), which is not linked")
        }
    }

    private mutating func checkParents(_ coordinator: Coordinator) throws {
        let live = directories.filter { $0.key != .root && !$0.value.owner.isNull }.mapValues(\.owner)
        let parents = try coordinator.parents()
        for (id, owner) in live where parents[id] != owner {
            violations.append("X6: \(id) is owned by \(owner), the coordinator says \(String(describing: parents[id]))")
        }
        for id in parents.keys where live[id] == nil {
            violations.append("X6: \(id) is not alive, the coordinator says so")
        }
        try coordinator.checkInvariants { violations.append("\($0.rule): \($0)") }
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
