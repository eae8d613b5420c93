/// Which kinds of trouble a run has, and how much of each; drawn from the seed. A run rarely has all kinds, so that
/// each is also seen without the others hiding it.
struct FaultPlan {
    /// The worst weather of the run.
    var weather = Network.Weather()
    /// Mean nanoseconds between two events of a kind; nil: none.
    var crashPause: UInt64?
    var partitionPause: UInt64?
    /// Processes that listen at other ports from then on.
    var movePause: UInt64?
    var clockPause: UInt64?
    /// Clocks that are a month wrong for a moment.
    var clockJumpPause: UInt64?
    var slowDiskPause: UInt64?
    var fullDiskPause: UInt64?
    var strayPause: UInt64?
    var refusedSyncPause: UInt64?
    var rotPause: UInt64?
    /// Of processes with replicas: disks that are lost, one at a time, and leaders that are told to hand over.
    var wipePause: UInt64?
    var handOverPause: UInt64?
    /// Whether crashes are aimed at what processes do to their disks.
    var killsWriting: Bool
    /// How long the trouble lasts, virtual nanoseconds: at least ten minutes.
    var duration: UInt64

    private static let second = ClusterOptions.second

    /// For several replicas, which take much more time: less of it, and less often what stops one of them.
    mutating func shorten(_ random: inout SeededRandom) {
        duration = UInt64.random(in: 380...420, using: &random) * Self.second
        crashPause = crashPause.map { max($0, 6 * Self.second) }
    }

    init(_ random: inout SeededRandom) {
        duration = UInt64.random(in: 660...700, using: &random) * Self.second
        weather.lossPerMille = random.pick([0, 10, 50, 100, 300])
        weather.duplicationPerMille = random.pick([0, 10, 100, 300])
        weather.latenessPerMille = random.pick([0, 20, 100, 300])
        weather.longestDelay = random.pick([10_000_000, Self.second, 20 * Self.second, 300 * Self.second])
        crashPause = random.perMille(750) ? random.pick([2, 8, 30]) * Self.second : nil
        partitionPause = random.perMille(500) ? random.pick([20, 60]) * Self.second : nil
        movePause = random.perMille(400) ? random.pick([40, 150]) * Self.second : nil
        clockPause = random.perMille(500) ? random.pick([5, 40]) * Self.second : nil
        clockJumpPause = random.perMille(400) ? random.pick([20, 60]) * Self.second : nil
        slowDiskPause = random.perMille(400) ? random.pick([10, 60]) * Self.second : nil
        fullDiskPause = random.perMille(250) ? random.pick([30, 120]) * Self.second : nil
        strayPause = random.perMille(250) ? random.pick([5, 60]) * Self.second : nil
        refusedSyncPause = random.perMille(400) ? random.pick([10, 60]) * Self.second : nil
        rotPause = random.perMille(400) ? 60 * Self.second : nil
        killsWriting = random.perMille(600)
        wipePause = random.perMille(400) ? random.pick([10, 40]) * Self.second : nil
        handOverPause = random.perMille(400) ? random.pick([5, 20]) * Self.second : nil
    }
}
