import Client
import Consensus
import Protocol

/// The clocks of a machine: one for time spans, which is right, and a wall clock, which may be off.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class MachineClock: @unchecked Sendable {
    private let world: World
    /// How far the wall clock is off, nanoseconds.
    var offset: Int64 = 0 { didSet { onChange?() } }
    /// And how much further for a moment.
    var jump: Int64 = 0 { didSet { onChange?() } }
    /// By how much the clock for time spans runs faster than the others, in thousandths.
    var driftPerMille: UInt64 = 0
    /// Called when the wall clock was set.
    var onChange: (() -> Void)?

    init(_ world: World) { self.world = world }

    var wall: Timestamp {
        let time = Int64(World.epoch &+ world.now) &+ offset &+ jump
        return Timestamp(nanoseconds: UInt64(max(time, 1)))
    }

    /// The clock for time spans.
    var boot: BootInstant { BootInstant(nanoseconds: world.now + world.now / 1000 * driftPerMille) }

    /// A new process's opinion of it.
    func clusterClock() -> ClusterClock {
        ClusterClock { [self] in (wall.nanoseconds, world.now) }
    }
}
