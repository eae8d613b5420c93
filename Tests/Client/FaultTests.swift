import Client
import EventLoop
import Glibc
import Protocol
import TestSupport
import Testing

/// Files on a cluster whose parts misbehave.
@Suite(.timeLimit(.minutes(2))) struct FaultTests {
    typealias Files = FileRoundTripTests

    // MARK: Datagrams

    @Test(arguments: [FakeShards.Fate.loseRequest, .loseAnswer])
    func firstCopyIsLost(fate: FakeShards.Fate) async throws {
        let bytes = Files.content(300_000)
        let read = try await FakeCluster.run { cluster in
            cluster.shards.fate = { kind, repetition in
                // A lost answer to CONSTRUCT_FILE leaves an unused file, to others it must make no difference.
                repetition == 0 && kind != ShardKind.addSpanInitiate.rawValue ? fate : .normal
            }
            return try await Files.readAll(Files.write(bytes, cluster), cluster)
        }
        #expect(areEqual(read, bytes))
    }

    @Test func doubledAnswersAreDropped() async throws {
        let bytes = Files.content(300_000)
        let (read, ignored) = try await FakeCluster.run { cluster in
            cluster.shards.fate = { _, _ in .doubleAnswer }
            let read = try await Files.readAll(Files.write(bytes, cluster), cluster)
            return (read, cluster.client.core.transport.counters.ignored)
        }
        #expect(areEqual(read, bytes))
        #expect(ignored > 0)
    }

    /// A block server came back at another port, and the shards have not heard of it.
    @Test func theRegistryIsAskedWhereNobodyListens() async throws {
        let bytes = Files.content(1_500_000)
        let (read, placements) = try await FakeCluster.run { cluster in
            let nowhere = IpPort(addrs: IPv4Address(rawValue: 0x7f00_0001), port: 1)
            cluster.blocks.outdatedAddress = AddrsInfo(addr1: nowhere, addr2: IpPort(addrs: .any, port: 0))
            let id = try await Files.write(bytes, cluster)
            return (try await Files.readAll(id, cluster), cluster.shards.placements.count)
        }
        #expect(areEqual(read, bytes))
        #expect(placements == 2)  // nothing had to be placed again
    }

    @Test func silenceEndsInATimeout() async throws {
        var options = FakeCluster.testOptions
        options.shardTiming.overallNanoseconds = 200_000_000
        let error = try await FakeCluster.run(options: options) { cluster in
            cluster.shards.fate = { _, _ in .loseRequest }
            do throws(ClientError) {
                _ = try await cluster.client.statFile(InodeID(type: .file, shard: ShardID(rawValue: 3), index: 1))
                return ClientError?.none
            } catch {
                return error
            }
        }
        #expect(error?.cause == .timeout)
    }

    @Test func aRemovalWhoseAnswerWasLostSucceeds() async throws {
        let kinds = try await FakeCluster.run { cluster in
            _ = try await Files.write([1, 2, 3], cluster)
            cluster.shards.fate = { kind, repetition in
                kind == ShardKind.softUnlinkFile.rawValue && repetition == 0 ? .loseAnswer : .normal
            }
            try await cluster.client.unlink(Files.name, in: .root)
            return cluster.shards.kinds
        }
        #expect(kinds.suffix(3) == [.softUnlinkFile, .softUnlinkFile, .fullReadDir])
    }

    @Test func aFileThatSomebodyElseRenamedWasNotRemoved() async throws {
        let error = try await FakeCluster.run { cluster in
            _ = try await Files.write([1, 2, 3], cluster)
            // What is left is what a rename leaves: the file lives on under another name.
            cluster.shards.leavesOwned = false
            cluster.shards.fate = { kind, repetition in
                kind == ShardKind.softUnlinkFile.rawValue && repetition == 0 ? .loseAnswer : .normal
            }
            do throws(ClientError) {
                try await cluster.client.unlink(Files.name, in: .root)
                return ClientError?.none
            } catch {
                return error
            }
        }
        #expect(error?.code == .nameNotFound)
    }

    @Test("F-16: a removed directory's history is not owned, and that is what the client looks for")
    func aDirectoryRemovalWhoseAnswerWasLostSucceeds() async throws {
        var options = FakeCluster.testOptions
        options.cdcTiming = options.shardTiming
        let repetitions = try await FakeCluster.run(options: options) { cluster in
            cluster.shards.addDirectory(Files.name)
            nonisolated(unsafe) var repetitions = 0
            cluster.shards.coordinatorFate = { repetition in
                repetitions = max(repetitions, repetition)
                return repetition == 0 ? .loseAnswer : .normal
            }
            try await cluster.client.removeDirectory(Files.name, in: .root)
            return repetitions
        }
        #expect(repetitions >= 1)
    }

    @Test func aMissingNameStaysMissing() async throws {
        let error = try await FakeCluster.run { cluster in
            do throws(ClientError) {
                try await cluster.client.unlink(Files.name, in: .root)
                return ClientError?.none
            } catch {
                return error
            }
        }
        #expect(error?.code == .nameNotFound)
    }

    @Test func manyRequestsAtOnce() async throws {
        let failures = try await FakeCluster.run { cluster in
            let id = try await Files.write([1], cluster)
            let tasks = (0..<5000).map { _ in
                cluster.loop.task { () async -> ClientError? in
                    do throws(ClientError) {
                        _ = try await cluster.client.statFile(id)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            var failures: [ClientError] = []
            for task in tasks { if let failure = await task.value { failures.append(failure) } }
            return failures
        }
        #expect(failures.count == 0, "\(failures.count): \(failures.first?.description ?? "")")
    }

    // MARK: Failing writes

    @Test(arguments: [FakeBlockServices.Behaviour.refusesWrites, .hangsUp])
    func spansGoElsewhere(behaviour: FakeBlockServices.Behaviour) async throws {
        let bytes = Files.content(2_500_000)
        let (read, blacklists, moves) = try await FakeCluster.run { cluster in
            cluster.blocks.behaviours = [1: behaviour, 3: behaviour]
            let id = try await Files.write(bytes, cluster)
            let moves = cluster.shards.kinds.filter { $0 == .moveSpan }.count
            let read = try await Files.readAll(id, cluster)
            return (read, cluster.shards.placements.map(\.blacklist.count), moves)
        }
        #expect(areEqual(read, bytes))
        #expect(moves >= 1)
        // The second span knows already.
        #expect(blacklists.first == 0 && blacklists.last == 2)
    }

    @Test func aSmallClusterWaitsForAServiceThatComesBack() async throws {
        let bytes = Files.content(200_000)
        let read = try await FakeCluster.run(services: 6) { cluster in
            cluster.blocks.behaviours = [2: .hangsUp]
            cluster.loop.timer(afterNanoseconds: 300_000_000) { cluster.blocks.behaviours = [:] }
            return try await Files.readAll(Files.write(bytes, cluster), cluster)
        }
        #expect(areEqual(read, bytes))
    }

    @Test func withoutPlacesTheWriterLearnsIt() async throws {
        var options = FakeCluster.testOptions
        options.writeTimeoutNanoseconds = 300_000_000
        let (error, names) = try await FakeCluster.run(services: 5, options: options) { cluster in
            do throws(ClientError) {
                _ = try await Files.write(Files.content(100_000), cluster)
                return (ClientError?.none, cluster.shards.names.count)
            } catch {
                return (error, cluster.shards.names.count)
            }
        }
        #expect(error?.cause == .cannotPlaceSpan(last: nil))
        #expect(error?.errno == ETIMEDOUT)
        #expect(names == 0)
    }

    @Test func onlyAFullClusterHasNoSpace() async throws {
        let error = try await FakeCluster.run { cluster in
            cluster.blocks.full = [0, 3, 7]
            return await Self.failure { () throws(ClientError) in
                _ = try await Files.write(Files.content(100_000), cluster)
            }
        }
        #expect(error?.cause == .noSpace && error?.errno == ENOSPC)
    }

    @Test(arguments: [FakeBlockServices.Behaviour.refusesWrites, .hangsUp])
    func disksThatRefuseAreNotFull(behaviour: FakeBlockServices.Behaviour) async throws {
        var options = FakeCluster.testOptions
        options.writeTimeoutNanoseconds = 300_000_000
        let error = try await FakeCluster.run(options: options) { cluster in
            for service in cluster.blocks.all { cluster.blocks.behaviours[service] = behaviour }
            return await Self.failure { () throws(ClientError) in
                _ = try await Files.write(Files.content(100_000), cluster)
            }
        }
        guard case .cannotPlaceSpan(.some)? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.errno == EIO)
    }

    /// Every request fails several times before the shards are back.
    @Test func aFileOutlastsAnOutageOfTheShards() async throws {
        var options = FakeCluster.testOptions
        options.shardTiming.overallNanoseconds = 300_000_000
        let bytes = Files.content(2_500_000)
        let (read, timeouts) = try await FakeCluster.run(options: options) { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write(bytes, at: 0)
            nonisolated(unsafe) var lost = 0
            cluster.shards.fate = { _, _ in
                lost += 1
                return lost <= 25 ? .loseRequest : .normal
            }
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            cluster.shards.fate = { _, _ in .normal }
            return (try await Files.readAll(writer.id, cluster), cluster.client.core.transport.counters.timeouts)
        }
        #expect(areEqual(read, bytes))
        #expect(timeouts > 1)
    }

    private static func failure(_ step: () async throws(ClientError) -> Void) async -> ClientError? {
        do {
            try await step()
            return nil
        } catch {
            return error
        }
    }

    // MARK: Failing reads

    static let losses: [[Int: FakeBlockServices.Behaviour]] = [
        [0: .lostEverything], [2: .lostEverything, 3: .lostEverything], [0: .corrupts, 5: .lostEverything],
        [1: .hangsUp, 4: .hangsUp], [0: .confuses, 3: .confusesPages], [1: .confuses, 2: .corrupts], [3: .stalls],
        [0: .stalls, 1: .corrupts], [4: .lostEverything, 5: .corrupts],
    ]

    @Test(arguments: losses)
    func lostBlocksAreRecovered(behaviours: [Int: FakeBlockServices.Behaviour]) async throws {
        let bytes = Files.content(3_300_000)
        let (whole, part) = try await FakeCluster.run { cluster in
            let id = try await Files.write(bytes, cluster)
            cluster.blocks.behaviours = behaviours
            let part = try await cluster.client.open(id).read(at: 1_234_567, count: 5000).bytes
            return (try await Files.readAll(id, cluster), part)
        }
        #expect(areEqual(whole, bytes))
        #expect(areEqual(part, Array(bytes[1_234_567..<1_239_567])))
    }

    @Test func anyCopyWillDo() async throws {
        let bytes = Files.content(500_000)
        let read = try await FakeCluster.run(parity: Parity(data: 1, parity: 2)) { cluster in
            let id = try await Files.write(bytes, cluster)
            cluster.blocks.behaviours = [0: .lostEverything, 2: .corrupts]
            return try await Files.readAll(id, cluster)
        }
        #expect(areEqual(read, bytes))
    }

    @Test func servicesThatAreAwayAreNoLoss() async throws {
        let (error, read, bytes) = try await FakeCluster.run { cluster in
            let bytes = Files.content(700_000)
            let id = try await Files.write(bytes, cluster)
            cluster.blocks.behaviours = [0: .lostEverything, 1: .hangsUp, 5: .hangsUp]
            var error: ClientError?
            do {
                _ = try await Files.readAll(id, cluster)
            } catch let caught as ClientError {
                error = caught
            }
            cluster.blocks.behaviours = [0: .lostEverything, 5: .hangsUp]
            return (error, try await Files.readAll(id, cluster), bytes)
        }
        #expect(error?.isOutage == true)
        #expect(areEqual(read, bytes))
    }

    @Test func tooManyLossesAreAnErrorAndNeverWrongBytes() async throws {
        #expect(try await Self.readWithLosses { _ in }?.cause == .tooManyBlocksMissing)
    }

    /// It answers, so its data does not come back with it.
    @Test func aSlowServiceThatSendsDamagedPagesIsNotAway() async throws {
        let error = try await Self.readWithLosses { cluster in
            cluster.client.core.health.readDisappointed(
                FakeBlockServices.id(1), now: cluster.loop.monotonicNanoseconds)
        }
        #expect(error?.cause == .tooManyBlocksMissing)
    }

    /// Reads a file of which three blocks of six are lost.
    private static func readWithLosses(
        _ prepare: @escaping @Sendable (FakeCluster) -> Void
    ) async throws -> ClientError? {
        var options = FakeCluster.testOptions
        // A busy machine may be late with what is not lost: that would be an outage.
        options.leastHedgeNanoseconds = 60_000_000_000
        options.blockStallNanoseconds = 60_000_000_000
        return try await FakeCluster.run(options: options) { cluster in
            let id = try await Files.write(Files.content(700_000), cluster)
            cluster.blocks.behaviours = [0: .lostEverything, 1: .corrupts, 5: .lostEverything]
            prepare(cluster)
            do {
                _ = try await Files.readAll(id, cluster)
                return nil
            } catch let error as ClientError {
                return error
            }
        }
    }

    @Test func closingInTheMidstOfReadingAheadEndsEverything() async throws {
        let isRight = try await FakeCluster.run(parity: Parity(data: 10, parity: 4), services: 16) { cluster in
            let bytes = Files.content(3_000_000)
            let reader = try await cluster.client.open(Files.write(bytes, cluster))
            let first = try await reader.read(at: 0, count: 100_000).bytes
            let second = try await reader.read(at: 100_000, count: 100_000).bytes
            return first + second == Array(bytes[..<200_000])
        }
        #expect(isRight)
    }

    @Test func randomReadsFetchOnlyTheirPages() async throws {
        let bytes = Files.content(2_000_000)
        var options = FakeCluster.testOptions
        // On a busy machine hedging would fetch more.
        options.leastHedgeNanoseconds = 30_000_000_000
        let (fetched, isRight) = try await FakeCluster.run(options: options) { cluster in
            let id = try await Files.write(bytes, cluster)
            let reader = try await cluster.client.open(id)
            var isRight = true
            for offset in [1_900_000, 700_001, 300_000, 1_500_000, 40_960] {
                let read = try await reader.read(at: UInt64(offset), count: 4096).bytes
                if read != Array(bytes[offset..<offset + 4096]) { isRight = false }
            }
            return (cluster.blocks.fetchedBytes, isRight)
        }
        #expect(isRight)
        #expect(fetched <= 5 * 8192)
    }

    /// Page sums are only needed where a block is not fetched as a whole.
    @Test func whatIsReadInOrderComesOnceAndInWholeBlocks() async throws {
        let bytes = Files.content(12_000_000)
        var options = FakeCluster.testOptions
        options.leastHedgeNanoseconds = 30_000_000_000
        let (fetched, sums, isRight) = try await FakeCluster.run(stripe: 262_144, options: options) { cluster in
            let id = try await Files.write(bytes, cluster)
            let isRight = try await Files.readAll(id, cluster) == bytes
            return (cluster.blocks.fetchedBytes, cluster.blocks.sumsFetched, isRight)
        }
        #expect(isRight)
        #expect(fetched < 12_800_000)
        // Of the first three spans, before it was seen that the file is read in order.
        #expect(sums <= 12)
    }

    /// No block is whole, but no range is damaged in more than two of them.
    @Test func damageInDifferentPlacesOfAllBlocksIsRecovered() async throws {
        let bytes = Files.content(5_000_000)
        let whole = try await FakeCluster.run { cluster in
            let id = try await Files.write(bytes, cluster)
            for service in 0..<6 { cluster.blocks.behaviours[service] = .corruptsPage(service * 10) }
            return try await Files.readAll(id, cluster)
        }
        #expect(areEqual(whole, bytes))
    }
}
