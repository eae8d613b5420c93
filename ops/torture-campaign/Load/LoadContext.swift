import Foundation
import Synchronization

/// What all workers share.
final class LoadContext: Sendable {
    /// Names of the directories below each mount in which files are made.
    static let directories = (0..<16).map { "d\($0)" }

    let mounts: MountSlots
    let model = FileModel()
    let counters: Counters
    let findings: Findings
    let watchdog = Watchdog()
    let names = NameJudge()
    let judge: ReadJudge
    let largestFileBytes: Int
    /// Workers delete rather than write when there is more than that.
    let mostBytes: Int
    /// Of each worker, written; it reads up to four times as fast.
    let bytesPerSecond: Double
    private let isOverFlag = Atomic<Bool>(false)

    init(
        mounts: MountSlots, counters: Counters, findings: Findings, judge: ReadJudge, largestFileBytes: Int,
        mostBytes: Int, bytesPerSecond: Double
    ) {
        self.mounts = mounts
        self.counters = counters
        self.findings = findings
        self.judge = judge
        self.largestFileBytes = largestFileBytes
        self.mostBytes = mostBytes
        self.bytesPerSecond = bytesPerSecond
    }

    /// Whether workers are to end after what they are doing.
    var isOver: Bool { isOverFlag.load(ordering: .relaxed) }

    func end() { isOverFlag.store(true, ordering: .relaxed) }

    /// A mount through which `file` is seen as it is: its own for a while after a change, then any.
    func mount(for file: KnownFile, using random: inout SeededRandom) -> Int {
        let isRecent = monotonicSeconds() - file.changedSeconds < 3
        return isRecent ? file.mount : Int.random(in: 0..<mounts.count, using: &random)
    }
}
