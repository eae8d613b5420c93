import Client
import MaintenanceState
import Protocol
import Relayout
import Store
import Synchronization
import Testing

/// Full disks give to empty ones until all are about equally full, and then all is quiet.
@Suite(.timeLimit(.minutes(2))) struct RebalancerTests {
    private func rebalancer(
        _ cluster: DiskModel, _ memory: MaintenanceState, margin: Double = 0.1
    ) -> Rebalancer<DiskModel> {
        var settings = Rebalancer<DiskModel>.Settings()
        settings.margin = margin
        settings.batchBytes = 20 * DiskModel.blockBytes
        return Rebalancer(cluster: cluster, memory: memory, settings: settings) { _ in }
    }

    /// Steps until nothing was to be done for `quietHours`; answers how many steps moved something.
    private func settle(
        _ rebalancer: Rebalancer<DiskModel>, _ cluster: DiskModel, quietHours: UInt64 = 6
    ) async -> Int {
        var steps = 0
        var quietSince = cluster.now.nanoseconds
        while cluster.now.nanoseconds - quietSince < quietHours * 3_600_000_000_000, steps < 5_000 {
            if await rebalancer.step() {
                steps += 1
                quietSince = cluster.now.nanoseconds
            } else {
                await cluster.sleep(nanoseconds: 60_000_000_000)
            }
        }
        return steps
    }

    @Test(arguments: [1, 2, 3, 4]) func newDisksFillUpWithoutOscillation(seed: UInt64) async throws {
        let cluster = DiskModel(fills: [0.8, 0.75, 0.85, 0.8, 0.7, 0.8, 0, 0], blocksPerDisk: 1_000, seed: seed)
        let memory = try MaintenanceState(store: MemoryStore())
        let total = cluster.blocks
        let steps = await settle(rebalancer(cluster, memory), cluster)
        #expect(steps < 5_000)
        #expect(cluster.blocks == total)
        #expect(cluster.gap <= 0.1, "\(cluster.shares)")
        #expect(Set(cluster.givers).isDisjoint(with: cluster.receivers), "nobody gives what he got")
        // What has to move at least is what the two new disks hold in the end.
        #expect(cluster.moves <= cluster.blocksOn(6) + cluster.blocksOn(7))
        let moves = cluster.moves
        #expect(await settle(rebalancer(cluster, memory), cluster) == 0, "another instance finds nothing to do")
        #expect(cluster.moves == moves)
    }

    @Test func aRestartDoesNotMoveTheSameAgain() async throws {
        let cluster = DiskModel(fills: [0.9, 0.5, 0.5, 0.5], blocksPerDisk: 1_000, seed: 1)
        // Nothing is erased for a long time.
        cluster.eraseNanoseconds = 20 * 60_000_000_000
        let memory = try MaintenanceState(store: MemoryStore())
        for _ in 0..<100 { _ = await rebalancer(cluster, memory).step() }
        #expect(cluster.blocksOn(0) >= 580, "\(cluster.shares)")
        #expect(cluster.gap <= 0.15)
    }

    @Test func smallDifferencesAreLetBe() async throws {
        let cluster = DiskModel(fills: [0.55, 0.5, 0.46], blocksPerDisk: 1_000, seed: 1)
        let memory = try MaintenanceState(store: MemoryStore())
        #expect(await rebalancer(cluster, memory).step() == false)
        #expect(cluster.moves == 0)
    }

    @Test func aDiskThatCannotGiveDoesNotStopTheOthers() async throws {
        let cluster = DiskModel(fills: [0.95, 0.9, 0.1], blocksPerDisk: 1_000, seed: 1)
        cluster.unmovable = [DiskModel.disk(0)]
        let memory = try MaintenanceState(store: MemoryStore())
        _ = await settle(rebalancer(cluster, memory), cluster, quietHours: 1)
        #expect(cluster.blocksOn(0) == 950)
        #expect(cluster.blocksOn(1) < 700)
    }

    @Test(.timeLimit(.minutes(1))) func aListThatRepeatsItselfEnds() async throws {
        let cluster = DiskModel(fills: [0.95, 0.1, 0.1], blocksPerDisk: 10_000, seed: 1)
        cluster.repeatsPages = true
        cluster.unmovable = [DiskModel.disk(0)]
        let memory = try MaintenanceState(store: MemoryStore())
        #expect(await rebalancer(cluster, memory).step() == false)
        #expect(cluster.listings == 2)
    }

    @Test func aShardThatIsAwayIsPassedOver() async throws {
        let cluster = DiskModel(fills: [0.9, 0.1, 0.1], blocksPerDisk: 1_000, seed: 1)
        cluster.silentShard = ShardID(rawValue: 0)
        let memory = try MaintenanceState(store: MemoryStore())
        _ = await settle(rebalancer(cluster, memory), cluster, quietHours: 1)
        #expect(cluster.gap <= 0.1, "\(cluster.shares)")
    }

    @Test func whatCannotBeMovedIsTold() async throws {
        let cluster = DiskModel(fills: [0.95, 0.1, 0.1], blocksPerDisk: 100, seed: 1)
        cluster.failing = true
        let told = Mutex<[String]>([])
        let rebalancer = Rebalancer(
            cluster: cluster, memory: try MaintenanceState(store: MemoryStore()), settings: .init()
        ) { event in
            if case .notMoved(let disk, let spans, let why) = event {
                told.withLock { $0.append("\(disk.rawValue) \(spans) \(why)") }
            }
        }
        _ = await rebalancer.step()
        #expect(told.withLock { $0 } == ["1 95 no place"])
    }

    @Test func otherClassesAndDeadDisksDoNotCount() {
        var plan = RebalancePlan(margin: 0.1, batchBytes: 1 << 30)
        func disk(_ id: UInt64, _ storageClass: StorageClass, _ share: UInt64, _ usable: Bool = true) -> DiskFill {
            DiskFill(
                id: BlockServiceID(rawValue: id), storageClass: storageClass, isReadable: usable, isWritable: usable,
                capacityBytes: 1_000, availableBytes: 1_000 - share)
        }
        #expect(plan.next(RebalancePlan.View(shown: [disk(1, .hdd, 900), disk(2, .flash, 100)])) == nil)
        #expect(plan.next(RebalancePlan.View(shown: [disk(1, .hdd, 900), disk(2, .hdd, 100, false)])) == nil)
        #expect(plan.next(RebalancePlan.View(shown: [disk(1, .hdd, 900, false), disk(2, .hdd, 100)])) == nil)
        #expect(plan.next(RebalancePlan.View(shown: [])) == nil)
        #expect(plan.next(RebalancePlan.View(shown: [disk(1, .hdd, 0), disk(2, .hdd, 0)])) == nil)
        let relief = plan.next(
            RebalancePlan.View(
                shown: [disk(1, .hdd, 900), disk(2, .hdd, 100), disk(3, .hdd, 860), disk(4, .flash, 0)]))
        #expect(relief?.source.rawValue == 1)
        #expect(relief?.targets == [BlockServiceID(rawValue: 2)])
        #expect(relief?.avoided == [BlockServiceID(rawValue: 3)])
        #expect(relief.map { (1...300).contains($0.bytes) } == true)
    }
}
