import Client
import GarbageCollection
import MaintenanceState
import Protocol
import Synchronization
import Testing

/// Directories and files from their deletion to their end.
@Suite struct CollectionTests {
    private static let shard = ShardID(rawValue: 0)
    private static let day: UInt64 = 86_400

    private func rounds(_ cluster: ShardCluster, pauseSeconds: UInt64 = 0) -> ShardRounds<ShardCluster> {
        ShardRounds(
            cluster: cluster,
            collector: DirectoryCollector(cluster: cluster, minimumAgeNanoseconds: 3_600 * ShardCluster.second),
            destructor: FileDestructor(
                cluster: cluster, marginNanoseconds: 60 * ShardCluster.second,
                pauseNanoseconds: pauseSeconds * ShardCluster.second)
        ) { _, _, _ in }
    }

    private func setPolicy(days: UInt64, _ cluster: ShardCluster) async throws {
        var info = try await cluster.tell(StatDirectoryRequest(id: .root)).info
        try info.set(
            SnapshotPolicy(
                deleteAfterTime: DeleteAfterTime(nanoseconds: days * Self.day * ShardCluster.second),
                deleteAfterVersions: .inactive))
        _ = try await cluster.tell(SetDirectoryInfoRequest(id: .root, info: info))
    }

    @Test func aDeletedFileIsKeptAsLongAsThePolicySaysAndThenGoesEntirely() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        try await setPolicy(days: 30, cluster)
        let file = try await cluster.makeFile("a")
        try await cluster.makeFile("b")
        try await cluster.unlink("a", file)
        await cluster.advance(seconds: 29 * Self.day)
        var tally = await rounds.collectDirectories(of: Self.shard)
        #expect(tally.removedSnapshots == 0 && tally.failures == 0)
        #expect(try await cluster.snapshots().count == 2)
        await cluster.advance(seconds: 2 * Self.day)
        tally = await rounds.collectDirectories(of: Self.shard)
        #expect(tally.removedSnapshots == 2 && tally.failures == 0)
        #expect(try await cluster.snapshots().isEmpty)
        #expect(await cluster.blocks.count == 6)
        await cluster.advance(seconds: 120)
        tally = await rounds.destroyFiles(of: Self.shard)
        #expect(tally.destroyedFiles == 1 && tally.destroyedSpans == 1 && tally.erasedBlocks == 3)
        #expect(await cluster.blocks.count == 3)
        #expect(try await cluster.transientFiles().isEmpty)
        #expect(await cluster.exists("b"))
        try await cluster.expectInvariants()
    }

    @Test func nothingGoesWhileTheClockIsNotToBeBelieved() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        try await setPolicy(days: 30, cluster)
        try await cluster.unlink("a", try await cluster.makeFile("a"))
        _ = try await cluster.makeTransientFile()
        await cluster.advance(seconds: 31 * Self.day)
        let before = (try await cluster.snapshots(), try await cluster.transientFiles().map(\.id), await cluster.writes)
        cluster.setClockWrong(true)
        #expect(await rounds.collectDirectories(of: Self.shard).failures == 1)
        #expect(await rounds.destroyFiles(of: Self.shard).failures == 1)
        #expect(try await cluster.snapshots() == before.0)
        #expect(try await cluster.transientFiles().map(\.id) == before.1)
        #expect(await cluster.writes == before.2, "shards were not even asked")
        cluster.setClockWrong(false)
        #expect(await rounds.collectDirectories(of: Self.shard).removedSnapshots == 2)
        #expect(await rounds.destroyFiles(of: Self.shard).destroyedFiles == 1)
    }

    @Test func anOverriddenFileIsJudgedByWhatReplacedIt() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        try await setPolicy(days: 30, cluster)
        try await cluster.makeFile("a")
        await cluster.advance(seconds: 60 * Self.day)
        try await cluster.makeFile("a")
        await cluster.advance(seconds: Self.day)
        #expect(await rounds.collectDirectories(of: Self.shard).removedSnapshots == 0)
        await cluster.advance(seconds: 30 * Self.day)
        #expect(await rounds.collectDirectories(of: Self.shard).removedSnapshots == 1)
        #expect(await cluster.exists("a"))
        await cluster.advance(seconds: 120)
        #expect(await rounds.destroyFiles(of: Self.shard).destroyedFiles == 1)
        #expect(await cluster.blocks.count == 3)
        try await cluster.expectInvariants()
    }

    @Test func aVersionThatLeftNoSnapshotGoesAfterItsGrace() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        let first = try await cluster.makeFile("a").id
        let next = try await cluster.makeTransientFile()
        _ = try await cluster.tell(
            PublishFileRequest(
                fileId: next.id, cookie: next.cookie, storageClass: .empty, byteOffset: 0, size: 0, crc: .zero,
                body: [], ownerId: .root, name: Array("a".utf8), isConditional: true, expectedId: first,
                number: first, supersedes: true))
        #expect(try await cluster.snapshots().isEmpty)
        // Its grace is an hour, the collector's margin a minute.
        await cluster.advance(seconds: 3_500)
        var tally = await rounds.destroyFiles(of: Self.shard)
        #expect(tally.visitedTransientFiles == 1 && tally.destroyedFiles == 0 && tally.failures == 0)
        #expect(try await cluster.tell(StatFileRequest(id: first)).size == 8192)
        await cluster.advance(seconds: 200)
        tally = await rounds.destroyFiles(of: Self.shard)
        #expect(tally.destroyedFiles == 1 && tally.erasedBlocks == 3 && tally.failures == 0)
        #expect(await cluster.blocks.count == 3)
        let newest = try await cluster.tell(StatVersionRequest(id: first, newest: true))
        #expect(newest.id == next.id && newest.size == 8192)
        try await cluster.expectInvariants()
    }

    @Test func manyNamesOverSeveralPages() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        try await setPolicy(days: 1, cluster)
        for number in 0..<120 {
            let name = "a file with quite a long name, number \(number)"
            let file = try await cluster.makeFile(name)
            if number % 3 != 0 { try await cluster.unlink(name, file) }
        }
        await cluster.advance(seconds: 2 * Self.day)
        let tally = await rounds.collectDirectories(of: Self.shard)
        #expect(tally.removedSnapshots == 160 && tally.failures == 0)
        await cluster.advance(seconds: 120)
        #expect(await rounds.destroyFiles(of: Self.shard).destroyedFiles == 80)
        #expect(await cluster.blocks.count == 40 * 3)
        try await cluster.expectInvariants()
    }

    @Test func aForgottenEmptyDirectoryGoes() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        try await setPolicy(days: 1, cluster)
        let id = InodeID(type: .directory, shard: Self.shard, index: 5)
        let info = DirectoryInfo(entries: [])
        _ = try await cluster.tell(CreateDirectoryInodeRequest(id: id, ownerId: .root, info: info))
        let file = try await cluster.makeFile("inside", in: id)
        try await cluster.unlink("inside", file, in: id)
        #expect(await rounds.collectDirectories(of: Self.shard).removedDirectories == 0)
        let whole = try await cluster.tell(StatDirectoryRequest(id: .root)).info
        _ = try await cluster.tell(RemoveDirectoryOwnerRequest(dirId: id, info: whole))
        #expect(await rounds.collectDirectories(of: Self.shard).removedDirectories == 0, "it has a history")
        await cluster.advance(seconds: 2 * Self.day)
        let tally = await rounds.collectDirectories(of: Self.shard)
        #expect(tally.removedSnapshots == 2 && tally.removedDirectories == 1 && tally.failures == 0)
        await #expect(throws: ProtocolError.directoryNotFound) {
            _ = try await cluster.tell(StatDirectoryRequest(id: id))
        }
        try await cluster.expectInvariants()
    }

    @Test func filesBeingWrittenAreLetBe() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        _ = try await cluster.makeTransientFile()
        await cluster.advance(seconds: 3_600)
        var tally = await rounds.destroyFiles(of: Self.shard)
        #expect(tally.visitedTransientFiles == 1 && tally.destroyedFiles == 0)
        #expect(await cluster.blocks.count == 3)
        await cluster.advance(seconds: 100)
        tally = await rounds.destroyFiles(of: Self.shard)
        #expect(tally.destroyedFiles == 1)
        #expect(await cluster.blocks.isEmpty)
    }

    @Test func staleDisksAreWaitedForAndDecommissionedOnesAreNot() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        _ = try await cluster.makeTransientFile()
        await cluster.advance(seconds: 10_000)
        await cluster.setFlags(.stale)
        #expect(await rounds.destroyFiles(of: Self.shard).postponedFiles == 1)
        await cluster.setFlags(.decommissioned)
        #expect(await rounds.destroyFiles(of: Self.shard).destroyedFiles == 1)
        try await cluster.expectInvariants()
    }

    @Test func aDiskThatIsGivenUpEndsThePauseOfItsFiles() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster, pauseSeconds: 900)
        _ = try await cluster.makeTransientFile()
        await cluster.advance(seconds: 10_000)
        await cluster.setFlags(.stale)
        #expect(await rounds.destroyFiles(of: Self.shard).postponedFiles == 1)
        let writes = await cluster.writes
        #expect(await rounds.destroyFiles(of: Self.shard).postponedFiles == 1)
        #expect(await cluster.writes == writes, "a disk that may come back is waited for")
        await cluster.setFlags(.decommissioned)
        #expect(await rounds.destroyFiles(of: Self.shard).destroyedFiles == 1)
    }

    @Test func blocksThatAreTooYoungPostponeAndOtherErrorsCount() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        _ = try await cluster.makeTransientFile()
        await cluster.advance(seconds: 10_000)
        await cluster.refuseErasing(.blockTooRecentForDeletion)
        var tally = await rounds.destroyFiles(of: Self.shard)
        #expect(tally.postponedFiles == 1 && tally.failures == 0)
        await cluster.refuseErasing(.blockIoErrorDevice)
        tally = await rounds.destroyFiles(of: Self.shard)
        #expect(tally.postponedFiles == 0 && tally.failures == 1)
        #expect(await cluster.blocks.count == 3)
        await cluster.refuseErasing(nil)
        #expect(await rounds.destroyFiles(of: Self.shard).destroyedFiles == 1)
    }

    @Test func postponedFilesAreLetBeForAWhile() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster, pauseSeconds: 900)
        _ = try await cluster.makeTransientFile()
        await cluster.advance(seconds: 10_000)
        await cluster.refuseErasing(.blockTooRecentForDeletion)
        #expect(await rounds.destroyFiles(of: Self.shard).postponedFiles == 1)
        let writes = await cluster.writes
        await cluster.refuseErasing(nil)
        #expect(await rounds.destroyFiles(of: Self.shard).postponedFiles == 1)
        #expect(await cluster.writes == writes, "nothing was asked of the shard's log")
        await cluster.advance(seconds: 901)
        #expect(await rounds.destroyFiles(of: Self.shard).destroyedFiles == 1)
    }

    @Test(arguments: [2, 3, 5, 7]) func lostAnswersOnlyCostTime(one: UInt64) async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        try await setPolicy(days: 1, cluster)
        for number in 0..<20 {
            let file = try await cluster.makeFile("f\(number)")
            if number.isMultiple(of: 2) { try await cluster.unlink("f\(number)", file) }
        }
        await cluster.advance(seconds: 2 * Self.day)
        await cluster.loseOne(in: one)
        for _ in 0..<200 {
            _ = await rounds.collectDirectories(of: Self.shard)
            await cluster.advance(seconds: 120)
            _ = await rounds.destroyFiles(of: Self.shard)
        }
        #expect(try await cluster.snapshots().isEmpty)
        #expect(try await cluster.transientFiles().isEmpty)
        #expect(await cluster.blocks.count == 10 * 3)
        for number in 0..<20 { #expect(await cluster.exists("f\(number)") == !number.isMultiple(of: 2)) }
        try await cluster.expectInvariants()
    }

    @Test func aShardThatDoesNotAnswerIsOneFailure() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        let shards = (0..<UInt8(10)).map(ShardID.init(rawValue:))
        let tally = await ShardRounds<ShardCluster>.run(over: shards, atOnce: 3) { shard in
            await rounds.collectDirectories(of: shard)
        }
        #expect(tally.failures == 9 && tally.visitedDirectories == 1)
    }

    @Test func aTurnGoesOnFromThePlaceItReached() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        for _ in 0..<130 { _ = try await cluster.makeTransientFile() }
        let places = Mutex<[ShardPlace]>([])
        var tally = await rounds.destroyFiles(of: Self.shard) { place in places.withLock { $0.append(place) } }
        #expect(tally.visitedTransientFiles == 130)
        let reached = places.withLock { $0 }
        try #require(reached.count >= 2)
        #expect(zip(reached, reached.dropFirst()).allSatisfy { $0.first < $1.first })
        tally = await rounds.destroyFiles(of: Self.shard, from: reached[1])
        #expect(tally.visitedTransientFiles > 0 && tally.visitedTransientFiles < 130 - reached.count)
        #expect(await rounds.collectDirectories(of: Self.shard, from: ShardPlace(.null)).visitedDirectories == 1)
    }

    @Test func manyFilesGoAtOnceAndNoDiskGetsTooMuch() async throws {
        let cluster = try ShardCluster()
        let rounds = ShardRounds(
            cluster: cluster, collector: DirectoryCollector(cluster: cluster, minimumAgeNanoseconds: 0),
            destructor: FileDestructor(
                cluster: cluster, marginNanoseconds: 0, pauseNanoseconds: 0, erasuresPerDisk: 2),
            filesAtOnce: 12
        ) { _, _, _ in }
        for _ in 0..<100 { _ = try await cluster.makeTransientFile() }
        await cluster.advance(seconds: 10_000)
        let tally = await rounds.destroyFiles(of: Self.shard)
        #expect(tally.destroyedFiles == 100 && tally.erasedBlocks == 300 && tally.failures == 0)
        #expect(await cluster.blocks.isEmpty)
        #expect(await cluster.mostErasing <= 2)
        #expect(await cluster.mostErasingInAll > 3, "more than one file at a time")
        try await cluster.expectInvariants()
    }

    @Test func severalInstancesDestroyTheSameFilesWithoutHarm() async throws {
        let cluster = try ShardCluster()
        let instances = (0..<3).map { _ in
            ShardRounds(
                cluster: cluster, collector: DirectoryCollector(cluster: cluster, minimumAgeNanoseconds: 0),
                destructor: FileDestructor(cluster: cluster, marginNanoseconds: 0, pauseNanoseconds: 0),
                filesAtOnce: 4
            ) { _, _, _ in }
        }
        for _ in 0..<40 { _ = try await cluster.makeTransientFile() }
        let kept = try await cluster.makeFile("kept")
        await cluster.advance(seconds: 10_000)
        await withTaskGroup(of: Void.self) { group in
            for rounds in instances { group.addTask { _ = await rounds.destroyFiles(of: Self.shard) } }
        }
        #expect(try await cluster.transientFiles().isEmpty)
        #expect(await cluster.blocks.count == 3)
        #expect(await cluster.exists("kept") && !kept.id.isNull)
        try await cluster.expectInvariants()
    }

    @Test func theIndexIsCleaned() async throws {
        let cluster = try ShardCluster()
        let rounds = rounds(cluster)
        _ = try await cluster.makeTransientFile()
        await cluster.advance(seconds: 10_000)
        #expect(await rounds.destroyFiles(of: Self.shard).destroyedFiles == 1)
        let tally = await rounds.cleanIndex(of: Self.shard)
        #expect(tally.failures == 0)
        #expect(await rounds.cleanIndex(of: Self.shard).removedIndexEntries == 0)
        try await cluster.expectInvariants()
    }
}
