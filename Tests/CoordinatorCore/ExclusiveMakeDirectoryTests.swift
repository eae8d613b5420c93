import CoordinatorCore
import Protocol
import TestShards
import Testing

/// F-17: of several clients that make one directory at the same time, one succeeds.
@Suite("F-17: exclusive mkdir") struct ExclusiveMakeDirectoryTests {
    private let cluster: Cluster

    init() throws { cluster = try Cluster(seed: 4) }

    private static func request(_ name: String, in owner: InodeID = .root) -> AnyCdcRequest {
        .makeDirectoryExclusive(MakeDirectoryExclusiveRequest(ownerId: owner, name: bytes(name)))
    }

    /// The directory that the answer to a request names, if it succeeded.
    private func made(by origin: RequestOrigin) -> InodeID? {
        guard case .success(.makeDirectoryExclusive(let made))? = cluster.replies[origin]?.first else { return nil }
        return made.id
    }

    @Test("of two concurrent ones exactly one succeeds", arguments: 0..<20)
    func concurrent(_ delay: UInt64) throws {
        let first = cluster.submit(Self.request("d"))
        let second = cluster.submit(Self.request("d"), after: delay * 250_000)
        try cluster.settle()
        let winners = [first, second].compactMap(made)
        #expect(winners == [try cluster.shards.lookup(bytes("d"), in: .root).get().targetId])
        let loser = made(by: first) == nil ? first : second
        #expect(cluster.replies[loser]?.first?.error == .cannotOverrideName)
        #expect(try cluster.violations() == [])
    }

    @Test("it also loses to a plain one, which goes on to succeed for everybody", arguments: [true, false])
    func besidePlainOnes(_ isFirst: Bool) throws {
        let plain = cluster.submit(
            .makeDirectory(MakeDirectoryRequest(ownerId: .root, name: bytes("d"))), after: isFirst ? 10_000 : 0)
        let exclusive = cluster.submit(Self.request("d"), after: isFirst ? 0 : 10_000)
        try cluster.settle()
        #expect(cluster.replies[plain]?.first?.error == nil)
        #expect(cluster.replies[exclusive]?.first?.error == (isFirst ? nil : .cannotOverrideName))
        #expect(try cluster.violations() == [])
    }

    @Test("a repetition of the one that succeeded succeeds, also after a crash")
    func repetition() throws {
        let request = Self.request("d")
        let origin = cluster.submit(request)
        for delay in 1...5 as ClosedRange<UInt64> { cluster.repeatRequest(request, from: origin, after: delay * 300_000) }
        try cluster.settle()
        try cluster.crashNow()
        cluster.repeatRequest(request, from: origin)
        try cluster.settle()
        let answers = try #require(cluster.replies[origin])
        #expect(answers.count >= 2)
        #expect(Set(answers.map { "\($0)" }).count == 1)
        #expect(made(by: origin) != nil)
        #expect(try cluster.call(request).error == .cannotOverrideName)
        #expect(try cluster.violations() == [])
    }

    @Test("a crash turns its own success into nothing else, even if the directory was renamed meanwhile")
    func renamedBeforeTheRecord() throws {
        let request = Self.request("d")
        let origin = cluster.submit(request)
        while cluster.replies[origin] == nil { try cluster.step() }
        // Told, but the record of the success is not in the log; the shard's own rename does not wait for it.
        let edge = try cluster.shards.lookup(bytes("d"), in: .root).get()
        _ = try cluster.shards.rename(edge, bytes("d"), to: bytes("e"), in: .root).get()
        try cluster.crashNow()
        cluster.repeatRequest(request, from: origin)
        try cluster.settle()
        cluster.repeatRequest(request, from: origin)
        try cluster.settle()
        let answers = try #require(cluster.replies[origin])
        #expect(answers.count >= 2)
        for answer in answers {
            guard case .success(.makeDirectoryExclusive(let made)) = answer else {
                Issue.record("\(answer)")
                continue
            }
            #expect(made.id == edge.targetId)
        }
        #expect(try cluster.shards.lookup(bytes("d"), in: .root).error == .nameNotFound)
        #expect(try cluster.violations() == [])
    }

    @Test("the name's other owner wins when the crash comes before the edge")
    func rivalAfterACrash() throws {
        let origin = cluster.submit(Self.request("d"))
        let inode = InodeID(rawValue: InodeID.root.rawValue + 1)
        while try cluster.shards.stat(inode).error != nil { try cluster.step() }
        cluster.packetsInFlight = .lost
        try cluster.crashNow()
        _ = try cluster.shards.makeFile(bytes("d"), in: .root)
        cluster.repeatRequest(Self.request("d"), from: origin, after: 50_000_000)
        try cluster.settle()
        #expect(cluster.replies[origin]?.map(\.error) == [.cannotOverrideName])
        #expect(try cluster.shards.stat(inode).get().owner == .null)
        #expect(try cluster.violations() == [])
    }

    @Test("what was refused, or found there, is not done by a late copy", arguments: [true, false])
    func lateCopy(_ isExclusive: Bool) throws {
        _ = try cluster.makeDirectory("d", in: .root)
        _ = try cluster.shards.makeFile(bytes("f"), in: .root)
        let requests = ["d", "f"].map { name -> AnyCdcRequest in
            if isExclusive { return Self.request(name) }
            return .makeDirectory(MakeDirectoryRequest(ownerId: .root, name: bytes(name)))
        }
        let origins = requests.map { cluster.submit($0) }
        try cluster.settle()
        #expect(try cluster.remove("d", in: .root).error == nil)
        let edge = try cluster.shards.lookup(bytes("f"), in: .root).get()
        _ = try cluster.shards.unlink(edge, bytes("f"), in: .root).get()
        for _ in 0..<2 {
            for (origin, request) in zip(origins, requests) { cluster.repeatRequest(request, from: origin) }
            try cluster.settle()
            try cluster.crashNow()
            try cluster.settle()
        }
        for (origin, name) in zip(origins, ["d", "f"]) {
            let answers = try #require(cluster.replies[origin])
            #expect(answers.count == 3)
            #expect(Set(answers.map { "\($0)" }).count == 1)
            #expect(try cluster.shards.lookup(bytes(name), in: .root).error == .nameNotFound)
        }
        #expect(try cluster.violations() == [])
    }

    @Test("one log round: beside the inode's, or for the refusal", arguments: [false, true])
    func cost(isTaken: Bool) throws {
        if isTaken { _ = try cluster.makeDirectory("d", in: .root) }
        try cluster.settle()
        let before = cluster.coordinator.statistics.logEntries
        let origin = cluster.submit(Self.request("d"))
        while cluster.replies[origin] == nil { try cluster.step() }
        #expect(cluster.coordinator.statistics.logEntries - before == 1)
    }
}
