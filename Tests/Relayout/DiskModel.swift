import Client
import Protocol
import Relayout
import Synchronization

/// Disks with blocks of equal size, one per file, and a registry that is late: arrivals show after a minute, departures
/// when they are erased.
final class DiskModel: RebalanceCluster {
    static let blockBytes: UInt64 = 1 << 20

    private struct Ghost {
        let disk: Int
        let until: UInt64
    }

    private struct State {
        var nanoseconds: UInt64 = 1_700_000_000_000_000_000
        var capacity: [UInt64]
        /// Disk of each file.
        var home: [InodeID: Int] = [:]
        var ghosts: [Ghost] = []
        var shown: [UInt64] = []
        var shownAt: UInt64 = 0
        var random: UInt64
        var moves = 0
        var givers: [Int] = []
        var receivers: [Int] = []
        var eraseNanoseconds: UInt64 = 600_000_000_000
        var unmovable: Set<BlockServiceID> = []
        var failing = false
        var repeatsPages = false
        var silentShard: ShardID?
        var listings = 0
    }

    private let state: Mutex<State>

    init(fills: [Double], blocksPerDisk: Int, seed: UInt64) {
        var state = State(
            capacity: fills.map { _ in UInt64(blocksPerDisk) * Self.blockBytes }, random: seed &* 0x9e37_79b9_7f4a_7c15)
        var index: UInt64 = 0
        for (disk, fill) in fills.enumerated() {
            for _ in 0..<Int((fill * Double(blocksPerDisk)).rounded()) {
                index += 1
                let file = InodeID(type: .file, shard: ShardID(rawValue: UInt8(index % 256)), index: index)
                state.home[file] = disk
            }
        }
        self.state = Mutex(state)
    }

    static func disk(_ index: Int) -> BlockServiceID { BlockServiceID(rawValue: UInt64(index) + 1) }

    var moves: Int { state.withLock(\.moves) }
    var givers: [Int] { state.withLock(\.givers) }
    var receivers: [Int] { state.withLock(\.receivers) }
    var blocks: Int { state.withLock(\.home.count) }
    var eraseNanoseconds: UInt64 {
        get { state.withLock(\.eraseNanoseconds) }
        set { state.withLock { $0.eraseNanoseconds = newValue } }
    }
    var unmovable: Set<BlockServiceID> {
        get { state.withLock(\.unmovable) }
        set { state.withLock { $0.unmovable = newValue } }
    }

    /// Moving fails, with a reason.
    var failing: Bool {
        get { state.withLock(\.failing) }
        set { state.withLock { $0.failing = newValue } }
    }
    /// Every listing begins anew.
    var repeatsPages: Bool {
        get { state.withLock(\.repeatsPages) }
        set { state.withLock { $0.repeatsPages = newValue } }
    }
    var silentShard: ShardID? {
        get { state.withLock(\.silentShard) }
        set { state.withLock { $0.silentShard = newValue } }
    }
    var listings: Int { state.withLock(\.listings) }

    func blocksOn(_ disk: Int) -> Int { state.withLock { $0.home.values.count { $0 == disk } } }

    /// Blocks that belong there, as shares of the capacity.
    var shares: [Double] {
        state.withLock { state in
            state.capacity.indices.map { disk in
                Double(state.home.values.count { $0 == disk }) * Double(Self.blockBytes) / Double(state.capacity[disk])
            }
        }
    }

    var gap: Double { (shares.max() ?? 0) - (shares.min() ?? 0) }

    // MARK: RebalanceCluster

    var now: Timestamp { Timestamp(nanoseconds: state.withLock(\.nanoseconds)) }

    func sleep(nanoseconds: UInt64) async {
        state.withLock { $0.nanoseconds += nanoseconds }
    }

    func fills() async throws(ClientError) -> [DiskFill] {
        state.withLock { state in
            // A batch takes time as well.
            state.nanoseconds += 5_000_000_000
            if state.shown.isEmpty || state.nanoseconds - state.shownAt > 60_000_000_000 {
                state.ghosts.removeAll { [now = state.nanoseconds] in $0.until <= now }
                state.shown = state.capacity.indices.map { disk in
                    let blocks = state.home.values.count { $0 == disk } + state.ghosts.count { $0.disk == disk }
                    return UInt64(blocks) * Self.blockBytes
                }
                state.shownAt = state.nanoseconds
            }
            return state.capacity.indices.map { disk in
                DiskFill(
                    id: Self.disk(disk), storageClass: .flash, isReadable: true, isWritable: true,
                    capacityBytes: state.capacity[disk],
                    availableBytes: state.capacity[disk] - min(state.shown[disk], state.capacity[disk]))
            }
        }
    }

    func files(on disk: BlockServiceID, in shard: ShardID, from file: InodeID) async throws(ClientError) -> [InodeID] {
        if silentShard == shard { throw ClientError(.timeout, "BLOCK_SERVICE_FILES") }
        return state.withLock { state in
            state.listings += 1
            let index = Int(disk.rawValue) - 1
            let file = state.repeatsPages ? .null : file
            let found = state.home.filter { $0.value == index && $0.key.shard == shard && $0.key >= file }
            return Array(found.keys.sorted().prefix(8))
        }
    }

    func move(_ file: InodeID, _ relief: RebalancePlan.Relief, atMost bytes: UInt64) async -> RebalanceMove {
        state.withLock { state in
            guard let home = state.home[file], Self.disk(home) == relief.source, !relief.targets.isEmpty,
                !state.unmovable.contains(relief.source)
            else { return RebalanceMove(bytes: 0) }
            guard !state.failing else { return RebalanceMove(bytes: 0, failedSpans: 1, failure: "no place") }
            state.random = state.random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let targets = relief.targets.sorted()
            let target = Int(targets[Int(state.random >> 33) % targets.count].rawValue) - 1
            state.home[file] = target
            state.ghosts.append(Ghost(disk: home, until: state.nanoseconds + state.eraseNanoseconds))
            state.moves += 1
            state.givers.append(home)
            state.receivers.append(target)
            return RebalanceMove(bytes: Self.blockBytes)
        }
    }

    func released() async {}
}
