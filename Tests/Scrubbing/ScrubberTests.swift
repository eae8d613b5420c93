import Client
import MaintenanceState
import Protocol
import Scrubbing
import Store
import Synchronization
import Testing

/// What a scrub finds, repairs and remembers.
@Suite(.timeLimit(.minutes(2))) struct ScrubberTests {
    private static let week: UInt64 = 7 * 86_400

    private func settings(disksAtOnce: Int = 8) -> ScrubSettings {
        ScrubSettings(
            bytesPerSecondPerDisk: 0, intervalNanoseconds: Self.week * 1_000_000_000, disksAtOnce: disksAtOnce)
    }

    private func scrubber(
        _ cluster: FakeCluster, _ memory: MaintenanceState, _ settings: ScrubSettings? = nil
    ) -> Scrubber<FakeCluster> {
        Scrubber(cluster: cluster, memory: memory, settings: settings ?? self.settings()) { _ in }
    }

    private func findings(_ memory: MaintenanceState) throws -> [DamageFinding] {
        try memory.disks().flatMap { try memory.findings(on: $0.id) }
    }

    @Test func exactlyTheDamagedBlocksAreFoundAndReplaced() async throws {
        let cluster = FakeCluster(disks: 5, files: 60)
        let memory = try MaintenanceState(store: MemoryStore())
        let all = cluster.blocks
        let kinds: [BlockDamage] = [.missing, .truncated, .corrupt, .unreadable]
        let damaged = all.sorted { $0.id.rawValue < $1.id.rawValue }.enumerated().filter { $0.offset % 9 == 0 }
            .map { (block: $0.element, damage: kinds[$0.offset / 9 % 4]) }
        cluster.change { state in
            for (block, damage) in damaged { state.outcomes[block.id] = .damaged(damage) }
        }
        await scrubber(cluster, memory).runOnce()
        #expect(Set(cluster.change { $0.checks }).isSuperset(of: all))
        #expect(Set(cluster.change { $0.replaced }) == Set(damaged.map(\.block.id)))
        let found = try findings(memory)
        #expect(found.count == damaged.count && found.allSatisfy { $0.outcome == .repaired })
        for (block, damage) in damaged {
            let finding = try #require(found.first { $0.block == block.id })
            #expect(finding.disk == block.service && finding.damage == damage)
        }
        let records = try memory.disks().map(\.record)
        #expect(records.count == 5 && records.allSatisfy { $0.passes == 1 && $0.lastFullCheck != .zero })
        #expect(records.reduce(0) { $0 + $1.damaged } == UInt64(damaged.count))
        #expect(records.reduce(0) { $0 + $1.repaired } == UInt64(damaged.count))

        let before = cluster.change { $0.checks.count }
        await scrubber(cluster, memory).runOnce()
        #expect(cluster.change { $0.checks.count } == before, "no disk is due again")
        cluster.advance(seconds: Self.week)
        await scrubber(cluster, memory).runOnce()
        #expect(cluster.change { $0.checks.count } == before + cluster.blocks.count)
        #expect(try findings(memory).count == damaged.count, "the second pass finds nothing")
    }

    @Test func aPassThatIsCutOffGoesOnWhereItWas() async throws {
        let cluster = FakeCluster(disks: 1, files: 200, spansPerFile: 1, blocksPerSpan: 1)
        let store = MemoryStore()
        let task = Mutex<Task<Void, Never>?>(nil)
        cluster.change { state in
            state.afterCheck = { count in if count == 120 { task.withLock { $0?.cancel() } } }
        }
        let first = scrubber(cluster, try MaintenanceState(store: store), settings(disksAtOnce: 1))
        let running = task.withLock { task -> Task<Void, Never> in
            let made = Task { await first.runOnce() }
            task = made
            return made
        }
        await running.value
        let checkedBefore = cluster.change { $0.checks.count }
        try #require((120..<200).contains(checkedBefore))
        cluster.change { $0.afterCheck = nil }
        let memory = try MaintenanceState(store: store)
        #expect(try memory.disk(FakeCluster.disk(1))?.passes == 0)
        await scrubber(cluster, memory).runOnce()
        let checks = cluster.change { $0.checks }
        #expect(Set(checks) == cluster.blocks)
        #expect(checks.count < 200 + 60, "at most what was under way is checked again")
        #expect(try memory.disk(FakeCluster.disk(1))?.passes == 1)
    }

    @Test func theDiskCheckedLongestAgoIsFirst() async throws {
        let cluster = FakeCluster(disks: 4, files: 40)
        let memory = try MaintenanceState(store: MemoryStore())
        let ages: [Int: UInt64] = [1: 20, 2: 40, 3: 10]
        for (disk, days) in ages {
            var record = DiskRecord()
            record.lastFullCheckBegan = Timestamp(nanoseconds: cluster.now.nanoseconds - days * 86_400_000_000_000)
            try memory.set(record, ofDisk: FakeCluster.disk(disk))
        }
        await scrubber(cluster, memory, settings(disksAtOnce: 1)).runOnce()
        var order: [BlockServiceID] = []
        for check in cluster.change({ $0.checks }) where order.last != check.service { order.append(check.service) }
        #expect(order == [4, 2, 1, 3].map(FakeCluster.disk))
    }

    @Test func aSilentDiskHoldsUpNobody() async throws {
        let cluster = FakeCluster(disks: 3, files: 30)
        let memory = try MaintenanceState(store: MemoryStore())
        cluster.change { $0.silentDisks = [FakeCluster.disk(2)] }
        await scrubber(cluster, memory).runOnce()
        #expect(try memory.disk(FakeCluster.disk(1))?.passes == 1)
        let silent = try #require(try memory.disk(FakeCluster.disk(2)))
        #expect(silent.passes == 0 && silent.unreachable == 1 && silent.checkedBlocks == 0 && silent.damaged == 0)
        #expect(cluster.change { $0.replaced }.isEmpty)
        cluster.change { $0.silentDisks = [] }
        cluster.advance(seconds: 3600)
        await scrubber(cluster, memory).runOnce()
        #expect(try memory.disk(FakeCluster.disk(2))?.passes == 1)
    }

    @Test func aSilentShardInterruptsAndNothingIsSkipped() async throws {
        let cluster = FakeCluster(disks: 2, files: 30)
        let memory = try MaintenanceState(store: MemoryStore())
        cluster.change { $0.silentShards = [ShardID(rawValue: 80)] }
        await scrubber(cluster, memory).runOnce()
        #expect(try memory.disks().allSatisfy { $0.record.passes == 0 && $0.record.shard.rawValue == 80 })
        cluster.change { $0.silentShards = [] }
        cluster.advance(seconds: 3600)
        await scrubber(cluster, memory).runOnce()
        #expect(Set(cluster.change { $0.checks }) == cluster.blocks)
        #expect(try memory.disks().allSatisfy { $0.record.passes == 1 })
    }

    @Test func aBadDeviceIsLeftToTheOperator() async throws {
        let cluster = FakeCluster(disks: 2, files: 40)
        let memory = try MaintenanceState(store: MemoryStore())
        let bad = cluster.blocks.filter { $0.service == FakeCluster.disk(1) }
        cluster.change { state in for block in bad { state.outcomes[block.id] = .deviceError } }
        await scrubber(cluster, memory).runOnce()
        let record = try #require(try memory.disk(FakeCluster.disk(1)))
        #expect(record.passes == 0 && record.deviceErrors >= 3 && record.deviceErrors < 20)
        #expect(cluster.change { $0.replaced }.isEmpty)
        #expect(try findings(memory).isEmpty)
    }

    /// With one damaged block.
    private static func clusterThatCannotRepair() throws -> (FakeCluster, FakeCluster.Block) {
        let cluster = FakeCluster(disks: 3, files: 10)
        let victim = try #require(cluster.blocks.first)
        cluster.change { state in
            state.outcomes[victim.id] = .damaged(.corrupt)
            state.isUnrepairable = true
        }
        return (cluster, victim)
    }

    @Test func whatCannotBeRepairedIsCountedOnceAndTriedAgain() async throws {
        let memory = try MaintenanceState(store: MemoryStore())
        let (cluster, victim) = try Self.clusterThatCannotRepair()
        for _ in 0..<2 {
            await scrubber(cluster, memory).runOnce()
            let record = try #require(try memory.disk(victim.service))
            #expect(record.corrupt == 1 && record.unrepairable == 1 && record.repaired == 0)
            let finding = try #require(try findings(memory).first)
            #expect(finding.outcome == .unrepairable && finding.detail.contains("too many blocks"))
            cluster.advance(seconds: Self.week)
        }
        let table = try FindingsTable.text(of: memory, at: cluster.now)
        #expect(table.contains("UNREPAIRABLE") && table.contains("host:/disk-"))
        cluster.change { $0.isUnrepairable = false }
        await scrubber(cluster, memory).runOnce()
        let record = try #require(try memory.disk(victim.service))
        #expect(record.corrupt == 1 && record.unrepairable == 0 && record.repaired == 1)
        #expect(try findings(memory).map(\.outcome) == [.repaired])
    }

    @Test func damageOfAFileThatIsGoneIsClosed() async throws {
        let memory = try MaintenanceState(store: MemoryStore())
        let (cluster, victim) = try Self.clusterThatCannotRepair()
        await scrubber(cluster, memory).runOnce()
        #expect(try findings(memory).map(\.outcome) == [.unrepairable])
        cluster.change { state in state.files = state.files.filter { !$0.value.joined().contains(victim) } }
        cluster.advance(seconds: Self.week)
        await scrubber(cluster, memory).runOnce()
        #expect(try findings(memory).map(\.outcome) == [.gone])
        #expect(try #require(try memory.disk(victim.service)).unrepairable == 0)
    }

    @Test func aBlockThatWasMovedMeanwhileIsNoDamage() async throws {
        let cluster = FakeCluster(disks: 3, files: 10)
        let memory = try MaintenanceState(store: MemoryStore())
        let victim = try #require(cluster.blocks.first)
        cluster.change { state in
            state.outcomes[victim.id] = .damaged(.missing)
            state.afterCheck = { count in
                cluster.change { state in
                    // Another disk's check may have come behind it by now.
                    guard state.checks[count - 1] == victim else { return }
                    state.files = state.files.mapValues { $0.map { $0.filter { $0 != victim } } }
                }
            }
        }
        await scrubber(cluster, memory).runOnce()
        #expect(try findings(memory).isEmpty)
        #expect(cluster.change { $0.replaced }.isEmpty)
    }

    @Test func filesUnderConstructionAreNotJudged() async throws {
        let cluster = FakeCluster(disks: 3, files: 10)
        let memory = try MaintenanceState(store: MemoryStore())
        let victim = try #require(cluster.change { $0.files.keys.sorted().first })
        cluster.change { state in
            state.transient = [victim]
            for block in state.files[victim, default: []].joined() { state.outcomes[block.id] = .damaged(.missing) }
        }
        await scrubber(cluster, memory).runOnce()
        #expect(try findings(memory).isEmpty)
        #expect(try memory.disks().allSatisfy { $0.record.passes == 1 && $0.record.damaged == 0 })
    }

    @Test func theRateOfEachDiskIsKeptAndFewChecksAreUnderWay() async throws {
        let cluster = FakeCluster(disks: 1, files: 100, spansPerFile: 2, blocksPerSpan: 1)
        let memory = try MaintenanceState(store: MemoryStore())
        var settings = settings()
        settings.bytesPerSecondPerDisk = 65_536
        let start = cluster.monotonicNanoseconds
        await scrubber(cluster, memory, settings).runOnce()
        let seconds = Double(cluster.monotonicNanoseconds - start) / 1e9
        #expect(seconds >= 24, "200 blocks of 8 KiB at 64 KiB/s")
        #expect(cluster.change { $0.mostUnderWay } <= settings.checksAtOnce)
    }

    @Test func strangeAnswersEndThePassAndNoMore() async throws {
        let cluster = FakeCluster(disks: 2, files: 10)
        let memory = try MaintenanceState(store: MemoryStore())
        cluster.change { $0.strangeAnswers = true }
        await scrubber(cluster, memory).runOnce()
        #expect(try memory.disks().allSatisfy { $0.record.passes == 0 && $0.record.unreachable == 1 })
    }

    @Test func instancesShareTheDisks() async throws {
        let cluster = FakeCluster(disks: 6, files: 30)
        var checked: Set<BlockServiceID> = []
        for instance in 0..<3 {
            var settings = settings()
            settings.instances = 3
            settings.instance = UInt64(instance)
            let memory = try MaintenanceState(store: MemoryStore())
            await scrubber(cluster, memory, settings).runOnce()
            let mine = Set(try memory.disks().map(\.id))
            #expect(mine.isDisjoint(with: checked))
            checked.formUnion(mine)
        }
        #expect(checked.count == 6)
    }
}
