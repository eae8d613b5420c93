import CoordinatorCore
import Protocol
import TestShards
import TestSupport
import Testing

/// Many clients at once on a small tree, with messages lost, doubled and overtaken, and crashes; afterwards every rule
/// holds.
@Suite struct RandomHistoryTests {
    @Test(.timeLimit(.minutes(2)), arguments: 1...60 as ClosedRange<UInt64>) func quietNetwork(_ seed: UInt64) throws {
        try run(seed, Cluster.Faults(), crashes: false)
    }

    @Test(.timeLimit(.minutes(2)), arguments: 101...160 as ClosedRange<UInt64>) func badNetwork(_ seed: UInt64) throws {
        try run(seed, Cluster.Faults(loss: 8, doubling: 4), crashes: false)
    }

    @Test(.timeLimit(.minutes(2)), arguments: 201...300 as ClosedRange<UInt64>) func crashes(_ seed: UInt64) throws {
        try run(seed, Cluster.Faults(loss: 12, doubling: 6), crashes: true)
    }

    /// Spec F-1: requests to shards come again, long after their transactions and their coordinator.
    @Test("F-1: late copies", .timeLimit(.minutes(2)), arguments: 401...480 as ClosedRange<UInt64>)
    func lateCopies(_ seed: UInt64) throws {
        try run(seed, Cluster.Faults(loss: 10, doubling: 8, lateCopies: 2), crashes: false)
    }

    @Test("F-1: late copies and crashes", .timeLimit(.minutes(2)), arguments: 501...600 as ClosedRange<UInt64>)
    func lateCopiesAndCrashes(_ seed: UInt64) throws {
        try run(seed, Cluster.Faults(loss: 12, doubling: 8, lateCopies: 2), crashes: true)
    }

    private func run(_ seed: UInt64, _ faults: Cluster.Faults, crashes: Bool) throws {
        let comment = Comment(rawValue: "seed \(seed)")
        let history = try RandomHistory(seed: seed, faults)
        try history.run(rounds: 12, crashes: crashes)
        #expect(try history.cluster.violations() == [], comment)
        #expect(history.cluster.alarms == [], comment)
        #expect(history.unanswered() == 0, comment)
        #expect(history.directoriesMadeTwice() == [], comment)
    }
}

/// Random requests on a dozen names.
private final class RandomHistory {
    let cluster: Cluster
    private var random: SeededGenerator
    private var directories: [InodeID] = [.root]
    private var sent: [(origin: RequestOrigin, request: AnyCdcRequest)] = []
    private let names = ["a", "b", "c", "d"]

    init(seed: UInt64, _ faults: Cluster.Faults) throws {
        cluster = try Cluster(seed: seed, reservation: 8, sequenceReservation: 32)
        random = SeededGenerator(seed: seed &* 77)
        for name in ["x", "y", "z"] { directories.append(try cluster.makeDirectory(name, in: .root).id) }
        cluster.faults = faults
    }

    func run(rounds: Int, crashes: Bool) throws {
        if crashes {
            let seedForCrashes = random.next()
            var coin = SeededGenerator(seed: seedForCrashes)
            cluster.crashAfter = { _ in coin.oneIn(150) }
            cluster.survivingProposals = { [cluster] in Int.random(in: 0...$0, using: &cluster.random) }
        }
        for _ in 0..<rounds {
            for _ in 0..<12 { try issue(after: UInt64.random(in: 0...6_000_000, using: &random)) }
            for _ in 0..<Int.random(in: 20...150, using: &random) { try cluster.step() }
            try learnDirectories()
        }
        cluster.crashAfter = nil
        cluster.faults = Cluster.Faults()
        try cluster.settle()
        // Clients whose request a crash swallowed ask again.
        for _ in 0..<20 where unanswered() > 0 {
            for (origin, request) in sent where cluster.replies[origin] == nil {
                cluster.repeatRequest(request, from: origin)
            }
            try cluster.settle()
        }
    }

    func unanswered() -> Int { sent.count { cluster.replies[$0.origin] == nil } }

    /// Directories that exclusive requests of several clients claim to have made (F-17).
    func directoriesMadeTwice() -> [InodeID] {
        var makers: [InodeID: Set<RequestOrigin>] = [:]
        for (origin, answers) in cluster.replies {
            for case .success(.makeDirectoryExclusive(let made)) in answers {
                makers[made.id, default: []].insert(origin)
            }
        }
        return makers.filter { $0.value.count > 1 }.keys.sorted()
    }

    private func learnDirectories() throws {
        for case .success(let response) in cluster.replies.values.joined() {
            guard let made = response.madeDirectory, !directories.contains(made) else { continue }
            directories.append(made)
        }
        if directories.count > 14 { directories.removeSubrange(4..<8) }
        directories.sort()
    }

    private func pick() -> InodeID { directories[Int.random(in: 0..<directories.count, using: &random)] }
    private func name() -> String { names[Int.random(in: 0..<names.count, using: &random)] }

    private func issue(after delay: UInt64) throws {
        let owner = pick()
        let name = name()
        switch Int.random(in: 0..<12, using: &random) {
        case 0...1: submit(.makeDirectory(MakeDirectoryRequest(ownerId: owner, name: bytes(name))), delay)
        case 2:
            for _ in 0..<2 {
                let request = MakeDirectoryExclusiveRequest(ownerId: owner, name: bytes(name))
                submit(.makeDirectoryExclusive(request), delay)
            }
        case 3...4: if let request = try? cluster.removeRequest(name, in: owner) { submit(request, delay) }
        case 5:
            // Whatever is there, files and the same directory included: what cannot be must be refused.
            if let request = try? cluster.replaceRequest(name, from: owner, to: pick(), as: self.name()) {
                submit(request, delay)
            }
        case 6...7:
            let destination = pick()
            if let request = try? cluster.renameRequest(name, from: owner, to: destination, as: self.name()) {
                submit(request, delay)
            }
        case 8: actLocally(owner, name, delay)
        case 9: forget(owner, delay)
        case 10: collect(owner, delay)
        default:
            guard let (origin, request) = sent.randomElement(using: &random) else { return }
            // A late or early repetition; once answered the coordinator must not carry it out again.
            cluster.repeatRequest(request, from: origin, after: delay)
        }
    }

    private func submit(_ request: AnyCdcRequest, _ delay: UInt64) {
        sent.append((cluster.submit(request, after: delay), request))
    }

    /// What needs no coordinator: create, unlink, rename within the directory.
    private func actLocally(_ owner: InodeID, _ name: String, _ delay: UInt64) {
        let other = self.name()
        let choice = Int.random(in: 0..<4, using: &random)
        let shards = cluster.shards
        cluster.act(after: delay) {
            guard choice > 1, case .success(let edge) = try shards.lookup(bytes(name), in: owner) else {
                _ = try shards.makeFile(bytes(name), in: owner)
                return
            }
            if choice == 2 && edge.targetId.isFile {
                _ = try shards.unlink(edge, bytes(name), in: owner)
            } else if name != other {
                _ = try shards.rename(edge, bytes(name), to: bytes(other), in: owner)
            }
        }
    }

    /// What the garbage collector does by itself: afterwards the names never existed.
    private func forget(_ owner: InodeID, _ delay: UInt64) {
        let shards = cluster.shards
        cluster.act(after: delay) {
            for edge in try shards.edges(of: owner) where !edge.current {
                let target = edge.targetId.id
                if !edge.targetId.flag {
                    let remove = RemoveNonOwnedEdgeRequest(
                        dirId: owner, targetId: target, name: edge.name, creationTime: edge.creationTime)
                    _ = try shards.perform(.removeNonOwnedEdge(remove), at: owner.shard)
                } else if target.shard == owner.shard {
                    let unlink = SameShardHardFileUnlinkRequest(
                        ownerId: owner, targetId: target, name: edge.name, creationTime: edge.creationTime)
                    _ = try shards.perform(.sameShardHardFileUnlink(unlink), at: owner.shard)
                }
            }
        }
    }

    /// What the garbage collector asks the coordinator for.
    private func collect(_ owner: InodeID, _ delay: UInt64) {
        guard let edges = try? cluster.shards.edges(of: owner), let edge = edges.randomElement(using: &random),
            !edge.current
        else { return }
        let target = edge.targetId.id
        if edge.targetId.flag && target.shard != owner.shard {
            submit(
                .crossShardHardUnlinkFile(
                    CrossShardHardUnlinkFileRequest(
                        ownerId: owner, targetId: target, name: edge.name, creationTime: edge.creationTime)), delay)
        } else if target.isDirectory {
            submit(.hardUnlinkDirectory(HardUnlinkDirectoryRequest(dirId: target)), delay)
        }
    }
}

extension AnyCdcResponse {
    fileprivate var madeDirectory: InodeID? {
        switch self {
        case .makeDirectory(let made): made.id
        case .makeDirectoryExclusive(let made): made.id
        default: nil
        }
    }
}
