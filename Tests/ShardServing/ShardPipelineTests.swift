import Consensus
import Protocol
import ReplicatedLog
import ShardCore
import ShardServing
import TestSupport
import Testing

/// Requests on their way through a shard.
struct ShardPipelineTests {
    @Test func aNewShardBeginsWhenItsClockIsBelieved() throws {
        let shard = try PipelineUnderTest(isRunning: false)
        shard.now = nil
        shard.pipeline.begin()
        shard.log.settle()
        #expect(!shard.isInitialised && shard.entries.inFlightCount == 0)
        shard.now = Timestamp(nanoseconds: 1)
        shard.wait()
        #expect(!shard.isInitialised)
        shard.log.settle()
        #expect(shard.isInitialised && shard.pipeline.core.isInitialised)
    }

    @Test func aNewShardWaitsForRoom() throws {
        let shard = try PipelineUnderTest(isRunning: false)
        shard.log.lane.windowBytes = 0
        shard.pipeline.begin()
        shard.log.settle()
        #expect(!shard.isInitialised && shard.failures.isEmpty)
        shard.log.lane.windowBytes = 1 << 20
        shard.wait()
        shard.log.settle()
        #expect(shard.isInitialised)
    }

    @Test func aWriteIsAnsweredWhenItIsDurableAndApplied() throws {
        let shard = try PipelineUnderTest()
        try shard.write(1)
        let before = shard.pipeline.core.appliedIndex
        shard.log.turn()
        #expect(shard.answers.isEmpty && shard.pipeline.core.appliedIndex == before)
        shard.log.settle()
        #expect(shard.answers.count == 1 && shard.answers[0].source == shard.source(1))
        guard case .response(.constructFile) = shard.answers[0].reply else {
            throw TestFailure("\(shard.answers[0].reply)")
        }
        #expect(shard.pipeline.core.appliedIndex == before.next)
        #expect(shard.contradictions.isEmpty)
    }

    @Test func aRepetitionIsDroppedWhileTheFirstIsUnderWay() throws {
        let shard = try PipelineUnderTest()
        try shard.write(1)
        try shard.write(1)
        // Through another of the shard's addresses.
        try shard.pipeline.handle(
            .constructFile(ConstructFileRequest(type: .file, note: [])), from: shard.source(1, socket: 1))
        try shard.write(1, from: 2)
        #expect(shard.counters.duplicates.value == 2)
        shard.log.settle()
        #expect(shard.answers.map(\.source) == [shard.source(1), shard.source(1, 2)])
        // The core tells what comes later.
        try shard.write(1)
        shard.log.settle()
        #expect(shard.answers.count == 3 && shard.counters.duplicates.value == 2)
        #expect(shard.contradictions.isEmpty)
    }

    @Test func whatIsNotSignedDoesNotKeepOutTheCoordinator() throws {
        let shard = try PipelineUnderTest()
        try shard.write(1)
        try shard.write(1, signer: 0)
        shard.log.settle()
        #expect(shard.answers.map(\.source.signer) == [nil, 0])
    }

    @Test func nobodyIsAnsweredWhoDoesNotWait() throws {
        let shard = try PipelineUnderTest()
        let before = shard.counters.writes.value
        try shard.write(0)
        try shard.write(0)
        let unknown = InodeID(type: .file, shard: InodeID.root.shard, index: 999)
        try shard.pipeline.handle(
            .setTime(SetTimeRequest(id: unknown, mtime: 0, atime: 0)), from: shard.source(0))
        shard.log.settle()
        #expect(shard.counters.writes.value >= before + 2 && shard.counters.duplicates.value == 0)
        #expect(shard.answers.isEmpty)
        #expect(shard.contradictions.isEmpty)
    }

    @Test func whatDoesNotFitIsForgottenAndTakenLater() throws {
        var settings = Settings()
        settings.proposedEntries = 4
        let shard = try PipelineUnderTest(settings: settings)
        for number: UInt64 in 1...6 { try shard.write(number, from: UInt32(number)) }
        #expect(shard.counters.overflows.value == 2 && shard.contradictions.isEmpty)
        shard.log.settle()
        #expect(shard.answers.count == 4)
        try shard.write(5, from: 5)
        try shard.write(6, from: 6)
        shard.log.settle()
        #expect(shard.answers.map(\.source.requestID) == [1, 2, 3, 4, 5, 6])
        #expect(shard.counters.duplicates.value == 0 && shard.contradictions.isEmpty)
    }

    @Test func oneHostHasHalfOfTheWindow() throws {
        var settings = Settings()
        settings.proposedEntries = 8
        let shard = try PipelineUnderTest(settings: settings)
        for round: UInt64 in 0..<3 {
            for number: UInt64 in 1...6 { try shard.write(round * 100 + number) }
            try shard.write(round * 100 + 50, from: 2)
            try shard.write(round * 100 + 50, from: 3, signer: 0)
            #expect(shard.counters.overflows.value == (round + 1) * 2 && shard.contradictions.isEmpty)
            shard.log.settle()
            #expect(shard.answers.count == Int(round + 1) * 6 && shard.contradictions.isEmpty)
        }
    }

    @Test func entriesAreAppliedInTheirOrder() throws {
        let shard = try PipelineUnderTest()
        var applied: [UInt64] = []
        shard.pipeline.onApply = { _, _, source in applied.append(source?.requestID ?? 0) }
        for number: UInt64 in 1...20 { try shard.write(number) }
        shard.log.settle()
        #expect(applied == Array(1...20))
    }

    @Test func anotherIndexThanWasPromisedEndsTheShard() throws {
        let shard = try PipelineUnderTest()
        try shard.write(1)
        // An entry that the pipeline knows nothing of.
        _ = try shard.entries.propose([1, 2, 3])
        shard.log.settle()
        #expect(shard.answers.count == 1 && shard.failures.count == 1 && !shard.pipeline.takesRequests)
        try shard.write(2)
        shard.log.settle()
        #expect(shard.answers.count == 1 && shard.failures.count == 1)
    }

    @Test func writesWaitForAClockThatIsBelieved() throws {
        let shard = try PipelineUnderTest()
        let time = shard.now
        shard.now = nil
        try shard.write(1)
        try shard.pipeline.handle(.statDirectory(StatDirectoryRequest(id: .root)), from: shard.source(2))
        shard.now = time
        #expect(shard.answers.map(\.source.requestID) == [2] && shard.counters.clockDisputes.value == 1)
        try shard.write(1)
        shard.log.settle()
        #expect(shard.answers.map(\.source.requestID) == [2, 1] && shard.contradictions.isEmpty)
    }

    @Test func whoDrainsAnswersWhatIsInFlight() throws {
        let shard = try PipelineUnderTest()
        try shard.write(1)
        shard.log.turn()
        shard.pipeline.drain()
        try shard.write(2)
        shard.log.close()
        #expect(shard.answers.map(\.source.requestID) == [1])
    }

    @Test func aSnapshotIsTakenOnceForAllCopiesOfItsRequest() throws {
        let shard = try PipelineUnderTest(isOpen: false)
        let request = AnyShardRequest.shardSnapshot(ShardSnapshotRequest(snapshotId: 9))
        try shard.pipeline.handle(request, from: shard.source(1))
        guard case .refused(.notAuthorised)? = shard.answers.first?.reply else { throw TestFailure("not refused") }
        try shard.pipeline.handle(request, from: shard.source(2), isProven: true)
        try shard.pipeline.handle(request, from: shard.source(2), isProven: true)
        #expect(shard.snapshots.map(\.number) == [9] && shard.contradictions.isEmpty)
        shard.snapshots[0].done(true)
        #expect(shard.answers.count == 2 && shard.contradictions.isEmpty)
    }
}
