import CoordinatorCore
import Protocol
import TestShards
import Testing

/// Moves of directories: no loops (spec D.5), and no waiting for moves elsewhere.
@Suite struct DirectoryMoveTests {
    private let cluster: Cluster
    private let left: InodeID
    private let right: InodeID

    init() throws {
        cluster = try Cluster(seed: 2)
        left = try cluster.makeDirectory("left", in: .root).id
        right = try cluster.makeDirectory("right", in: .root).id
    }

    @Test func loopsAreRefused() throws {
        let child = try cluster.makeDirectory("c", in: left).id
        let grandchild = try cluster.makeDirectory("g", in: child).id
        for destination in [left, child, grandchild] {
            #expect(try cluster.rename("left", from: .root, to: destination, as: "x").error == .loopInDirectoryRename)
        }
        #expect(try cluster.rename("c", from: left, to: grandchild, as: "x").error == .loopInDirectoryRename)
        #expect(try cluster.rename("c", from: left, to: right, as: "x").error == nil)
        #expect(try cluster.violations() == [])
    }

    @Test("opposing moves: one of them has to lose", arguments: 2...6)
    func opposingMovesDoNotMakeALoop(_ count: Int) throws {
        // d0 → d1/m, d1 → d2/m, …, the last one → d0/m, all at the same time.
        let directories = try (0..<count).map { try cluster.makeDirectory("d\($0)", in: .root).id }
        let origins = try (0..<count).map { index in
            let destination = directories[(index + 1) % count]
            return cluster.submit(try cluster.renameRequest("d\(index)", from: .root, to: destination, as: "m"))
        }
        try cluster.settle()
        let errors = origins.compactMap { cluster.replies[$0]?.first?.error }
        #expect(errors == [.loopInDirectoryRename])
        #expect(try cluster.violations() == [])
    }

    @Test("F-28: a move that hangs delays those whose loop it may close, and no others")
    func movesWaitOnlyForWhatDecidesAboutThem() throws {
        // The destination of the first move does not answer.
        let slow = try directory(unlike: [left, right])
        let middle = try cluster.makeDirectory("middle", in: left).id
        let bottom = try cluster.makeDirectory("bottom", in: middle).id
        cluster.silentShards = [slow.shard]
        let hanging = cluster.submit(try cluster.renameRequest("middle", from: left, to: slow, as: "m"))
        // Into what is below the moving directory: nothing can go wrong whichever way that ends.
        let elsewhere = cluster.submit(try cluster.renameRequest("right", from: .root, to: bottom, as: "r"))
        let make = cluster.submit(.makeDirectory(MakeDirectoryRequest(ownerId: middle, name: bytes("new"))))
        // The old place of the moving directory: a loop if that stays, none if it goes.
        let dependent = cluster.submit(try cluster.renameRequest("left", from: .root, to: bottom, as: "l"))
        for _ in 0..<500 { try cluster.step() }
        #expect(cluster.replies[hanging] == nil)
        #expect(cluster.replies[elsewhere]?.first?.error == nil && cluster.replies[elsewhere] != nil)
        #expect(cluster.replies[make]?.first?.error == nil && cluster.replies[make] != nil)
        #expect(cluster.replies[dependent] == nil)
        cluster.silentShards = []
        try cluster.settle()
        for origin in [hanging, dependent] {
            #expect(cluster.replies[origin]?.first?.error == nil && cluster.replies[origin] != nil)
        }
        #expect(try cluster.violations() == [])
    }

    @Test("a move that depends on others gets its turn however many follow", .timeLimit(.minutes(1)))
    func nobodyStarves() throws {
        let middle = try cluster.makeDirectory("middle", in: left).id
        let bottom = try cluster.makeDirectory("bottom", in: middle).id
        // `middle` never stays where it is, so there is always a move that decides about left → bottom.
        var place = (owner: left, name: "middle", next: 0)
        func moveOn() throws -> RequestOrigin {
            let owner = place.owner == left ? right : left
            let name = "m\(place.next)"
            let request = try cluster.renameRequest(place.name, from: place.owner, to: owner, as: name)
            place = (owner, name, place.next + 1)
            return cluster.submit(request)
        }
        var under = try moveOn()
        let patient = cluster.submit(try cluster.renameRequest("left", from: .root, to: bottom, as: "l"))
        var rounds = 0
        while cluster.replies[patient] == nil, rounds < 200 {
            if cluster.replies[under] != nil {
                under = try moveOn()
                rounds += 1
            }
            try cluster.step()
        }
        #expect(cluster.replies[patient] != nil)
        try cluster.settle()
        #expect(try cluster.violations() == [])
    }

    @Test("a late copy of a move that was refused stays refused, also over a crash")
    func refusedMovesStayRefused() throws {
        let child = try cluster.makeDirectory("c", in: left).id
        let move = try cluster.renameRequest("left", from: .root, to: child, as: "x")
        let origin = cluster.submit(move)
        try cluster.settle()
        #expect(cluster.replies[origin]?.first?.error == .loopInDirectoryRename)
        #expect(try cluster.rename("c", from: left, to: right, as: "c").error == nil)
        try cluster.crashNow()
        cluster.repeatRequest(move, from: origin)
        try cluster.settle()
        #expect(cluster.replies[origin]?.last?.error == .loopInDirectoryRename)
        #expect(try cluster.shards.lookup(bytes("left"), in: .root).get().targetId == left)
        #expect(try cluster.violations() == [])
    }

    /// A directory below the root in a shard of its own.
    private func directory(unlike others: [InodeID]) throws -> InodeID {
        for number in 0..<64 {
            let id = try cluster.makeDirectory("s\(number)", in: .root).id
            if id.shard != InodeID.root.shard, !others.contains(where: { $0.shard == id.shard }) { return id }
        }
        throw Cluster.HarnessError.noAnswer
    }
}
