import Client
import MaintenanceState
import Protocol
import Scrubbing
import Store
import Synchronization
import Testing

/// What has no answer holds up nothing else, and is not forgotten.
@Suite(.timeLimit(.minutes(2))) struct ScrubbingTroubleTests {
    private static let week: UInt64 = 7 * 86_400
    private static let silence = BlockCheck.noAnswer(ClientError(.refused(.internalError), "CHECK_BLOCK"))

    private let memory: MaintenanceState
    private let store = MemoryStore()
    private let events = Events()

    init() throws {
        memory = try MaintenanceState(store: store)
    }

    private final class Events: Sendable {
        let errors = Mutex(0)
        let recoveries = Mutex(0)

        func take(_ event: ScrubEvent) {
            switch event {
            case .stateError: errors.withLock { $0 += 1 }
            case .stateWorksAgain: recoveries.withLock { $0 += 1 }
            default: break
            }
        }
    }

    private final class Saved: Sendable {
        let record = Mutex<DiskRecord?>(nil)
    }

    private func scrub(_ cluster: FakeCluster) async {
        let settings = ScrubSettings(
            bytesPerSecondPerDisk: 0, intervalNanoseconds: Self.week * 1_000_000_000, disksAtOnce: 8)
        let events = events
        await Scrubber(cluster: cluster, memory: memory, settings: settings) { events.take($0) }.runOnce()
    }

    private func record(_ disk: Int) throws -> DiskRecord { try #require(try memory.disk(FakeCluster.disk(disk))) }

    @Test func spansThatMakeNoSenseAreFindings() async throws {
        let cluster = FakeCluster(disks: 1, files: 20, spansPerFile: 2, blocksPerSpan: 2)
        let file = try #require(cluster.change { $0.files.keys.min() })
        let spans = try #require(cluster.change { $0.files[file] })
        cluster.change { state in state.impossibleFiles = [file] }
        await scrub(cluster)
        #expect(try record(1).passes == 1 && record(1).impossible == 1 && record(1).damaged == 0)
        // Everything else is checked, the file's other span with it.
        #expect(Set(cluster.change { $0.checks }) == cluster.blocks.subtracting(spans[0]))
        let found = try memory.findings(on: FakeCluster.disk(1))
        #expect(found.count == 1 && found[0].damage == .impossible && found[0].isOpen)
        #expect(found[0].file == file && found[0].spanOffset == 0 && !found[0].detail.isEmpty)
        #expect(try FindingsTable.text(of: memory, at: cluster.now).contains("impossible"))

        cluster.advance(seconds: Self.week)
        await scrub(cluster)
        #expect(try record(1).passes == 2 && record(1).impossible == 1, "counted once")
        #expect(try memory.findings(on: FakeCluster.disk(1)) == found)

        cluster.change { $0.impossibleFiles = [] }
        cluster.advance(seconds: Self.week)
        cluster.change { $0.checks = [] }
        await scrub(cluster)
        #expect(Set(cluster.change { $0.checks }) == cluster.blocks)
        #expect(try memory.findings(on: FakeCluster.disk(1)).map(\.outcome) == [.answered])
        #expect(try record(1).unrepairable == 0)
    }

    @Test(arguments: [1, 3]) func blocksWithoutAnAnswerAreNotedAndPassedOver(count: Int) async throws {
        let cluster = FakeCluster(disks: 1, files: 40, spansPerFile: 1, blocksPerSpan: 2)
        let victims = Array(cluster.blocks.sorted { $0.id.rawValue < $1.id.rawValue }.prefix(count))
        cluster.change { state in for block in victims { state.outcomes[block.id] = Self.silence } }
        await scrub(cluster)
        #expect(try record(1).passes == 1 && record(1).unanswered == UInt64(count))
        #expect(Set(cluster.change { $0.checks }) == cluster.blocks)
        let found = try memory.findings(on: FakeCluster.disk(1))
        #expect(Set(found.map(\.block)) == Set(victims.map(\.id)))
        #expect(found.allSatisfy { $0.damage == .unanswered && $0.isOpen && $0.detail.contains("CHECK_BLOCK") })
        #expect(try FindingsTable.text(of: memory, at: cluster.now).contains("unanswered"))
        #expect(cluster.change { $0.replaced }.isEmpty)

        cluster.advance(seconds: Self.week)
        await scrub(cluster)
        #expect(try record(1).passes == 2 && record(1).unanswered == UInt64(count), "counted once")
        cluster.change { $0.outcomes = [:] }
        cluster.advance(seconds: Self.week)
        await scrub(cluster)
        #expect(try memory.findings(on: FakeCluster.disk(1)).allSatisfy { $0.outcome == .answered })
    }

    @Test(arguments: [(0, 5), (20, 2)] as [(UInt64, Int)]) func aCheckThatHangsIsRepeatedOnce(
        stallSeconds: UInt64, checks: Int
    ) async throws {
        let cluster = FakeCluster(disks: 1, files: 40, spansPerFile: 1, blocksPerSpan: 1)
        let victim = try #require(cluster.blocks.min { $0.id.rawValue < $1.id.rawValue })
        cluster.change { state in
            state.outcomes[victim.id] = Self.silence
            state.stallSeconds = stallSeconds
        }
        await scrub(cluster)
        #expect(try record(1).passes == 1 && record(1).unanswered == 1)
        #expect(cluster.change { $0.checks.count { $0 == victim } } == checks)
    }

    @Test func theLastBlockHasAnotherTurnBeforeThePassEnds() async throws {
        let cluster = FakeCluster(disks: 1, files: 7, spansPerFile: 1, blocksPerSpan: 1)
        let files = cluster.change { $0.files }
        let last = try #require(files.max { $0.key.shard.rawValue < $1.key.shard.rawValue })
        cluster.change { $0.outcomes[last.value[0][0].id] = Self.silence }
        await scrub(cluster)
        #expect(try record(1).passes == 0 && record(1).file == last.key && record(1).shard == last.key.shard)
        cluster.advance(seconds: 61)
        await scrub(cluster)
        #expect(try record(1).passes == 1 && record(1).unanswered == 1)
        // A block that is there no more is no open question.
        cluster.change { $0.files[last.key] = nil }
        cluster.advance(seconds: Self.week)
        await scrub(cluster)
        #expect(try memory.findings(on: FakeCluster.disk(1)).map(\.outcome) == [.gone])
    }

    /// Whoever kills the process does not make it forget a block that nobody has answered for yet.
    @Test func whatIsSavedDoesNotGoBeyondABlockWithoutAnAnswer() async throws {
        let cluster = FakeCluster(disks: 1, files: 7, spansPerFile: 1, blocksPerSpan: 1)
        let files = cluster.change { $0.files }
        let last = try #require(files.max { $0.key.shard.rawValue < $1.key.shard.rawValue })
        let memory = memory
        let saved = Saved()
        cluster.change { state in
            state.outcomes[last.value[0][0].id] = Self.silence
            state.onListing = { shard in
                guard shard.rawValue == .max else { return }
                saved.record.withLock { $0 = try? memory.disk(FakeCluster.disk(1)) }
            }
        }
        await scrub(cluster)
        let record = try #require(saved.record.withLock { $0 })
        #expect(record.shard == last.key.shard && record.file == last.key)
    }

    @Test func aDiskThatFallsSilentGoesOnWhereItDid() async throws {
        let cluster = FakeCluster(disks: 1, files: 200, spansPerFile: 1, blocksPerSpan: 1)
        cluster.change { state in
            state.afterCheck = { count in
                guard count == 100 else { return }
                cluster.change { $0.silentDisks = [FakeCluster.disk(1)] }
            }
        }
        await scrub(cluster)
        #expect(try record(1).passes == 0 && record(1).unreachable == 1 && record(1).unanswered == 0)
        // Some were being checked when it fell silent.
        #expect(try (100..<120).contains(record(1).checkedBlocks))
        cluster.change { state in
            state.silentDisks = []
            state.afterCheck = nil
            state.checks = []
        }
        cluster.advance(seconds: 61)
        await scrub(cluster)
        #expect(try record(1).passes == 1 && record(1).checkedBlocks >= 200, "none was left out")
        #expect(try record(1).checkedBlocks < 200 + 20 && memory.findings(on: FakeCluster.disk(1)).isEmpty)
    }

    @Test func aFileThatTheShardCannotListIsPassedOver() async throws {
        let cluster = FakeCluster(disks: 1, files: 40, spansPerFile: 1, blocksPerSpan: 1)
        let file = try #require(cluster.change { $0.files.keys.min() })
        cluster.change { $0.poisonedFiles = [file] }
        await scrub(cluster)
        #expect(try record(1).passes == 1 && record(1).checkedBlocks == 39 && record(1).unanswered == 1)
        #expect(try memory.findings(on: FakeCluster.disk(1)).map(\.file) == [file])
        cluster.change { $0.poisonedFiles = [] }
        cluster.advance(seconds: Self.week)
        await scrub(cluster)
        #expect(try record(1).passes == 2 && record(1).checkedBlocks == 79)
        #expect(try memory.findings(on: FakeCluster.disk(1)).map(\.outcome) == [.answered])
    }

    @Test func aPassThatIsTakenUpClosesNothingItHasNotSeen() async throws {
        let cluster = FakeCluster(disks: 1, files: 40, spansPerFile: 1, blocksPerSpan: 1)
        let first = try #require(cluster.change { $0.files.min { $0.key < $1.key } })
        cluster.change { $0.outcomes[first.value[0][0].id] = Self.silence }
        await scrub(cluster)
        #expect(try record(1).passes == 1 && memory.findings(on: FakeCluster.disk(1)).map(\.outcome) == [.found])
        // The second pass meets the block, breaks off further on, and is taken up there.
        cluster.advance(seconds: Self.week)
        cluster.change { $0.silentShards = [ShardID(rawValue: 120)] }
        await scrub(cluster)
        #expect(try record(1).passes == 1 && record(1).shard.rawValue == 120)
        cluster.change { $0.silentShards = [] }
        cluster.advance(seconds: 61)
        await scrub(cluster)
        #expect(try record(1).passes == 2 && memory.findings(on: FakeCluster.disk(1)).map(\.outcome) == [.found])
    }

    @Test(arguments: [2, 1000]) func damageOutlastsAShardThatRefuses(refusals: Int) async throws {
        let cluster = FakeCluster(disks: 3, files: 10)
        let victim = try #require(cluster.blocks.first)
        cluster.change { state in
            state.outcomes[victim.id] = .damaged(.corrupt)
            state.statRefusals = refusals
        }
        await scrub(cluster)
        let found = try memory.findings(on: victim.service)
        #expect(found.map(\.damage) == [.corrupt] && found.map(\.outcome) == [refusals == 2 ? .repaired : .found])
        cluster.change { $0.statRefusals = 0 }
        cluster.advance(seconds: Self.week)
        await scrub(cluster)
        #expect(cluster.change { $0.replaced } == [victim.id])
        #expect(try memory.findings(on: victim.service).map(\.outcome) == [.repaired])
    }

    @Test func damageIsReplacedThoughTheDiskFallsSilent() async throws {
        let cluster = FakeCluster(disks: 3, files: 10)
        let victim = try #require(cluster.blocks.first)
        cluster.change { state in
            state.outcomes[victim.id] = .damaged(.corrupt)
            state.afterCheck = { count in
                cluster.change { state in
                    if state.checks[count - 1] == victim { state.outcomes[victim.id] = Self.silence }
                }
            }
        }
        await scrub(cluster)
        #expect(cluster.change { $0.replaced } == [victim.id])
        #expect(try memory.findings(on: victim.service).map(\.outcome) == [.repaired])
    }

    @Test func aFullStateDiskPausesEverythingAndIsToldOnce() async throws {
        let cluster = FakeCluster(disks: 4, files: 40)
        let events = events
        let settings = ScrubSettings(
            bytesPerSecondPerDisk: 0, intervalNanoseconds: Self.week * 1_000_000_000, disksAtOnce: 8)
        let scrubber = Scrubber(cluster: cluster, memory: memory, settings: settings) { events.take($0) }
        store.setWriteFault(.noSpace("test"))
        for _ in 0..<5 {
            await scrubber.runOnce()
            cluster.advance(seconds: 61)
        }
        #expect(events.errors.withLock { $0 } == 1 && events.recoveries.withLock { $0 } == 0)
        let before = cluster.change { $0.checks.count }
        await scrubber.runOnce()
        #expect(cluster.change { $0.checks.count } == before, "nothing is begun")
        store.setWriteFault(nil)
        await scrubber.runOnce()
        #expect(events.errors.withLock { $0 } == 1 && events.recoveries.withLock { $0 } == 1)
        #expect(try memory.disks().allSatisfy { $0.record.passes == 1 })
    }
}
