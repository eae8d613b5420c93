import Consensus
import EventLoop
import ReplicatedLog

extension LaneLoop {
    /// On a real loop.
    package init(_ loop: EventLoop) {
        self.init(
            now: { loop.bootInstant }, wall: { loop.wallClock() }, seed: { .random(in: 0...UInt64.max) },
            resume: { loop.submit($0) })
    }
}

extension EventLoop {
    /// The time since the machine started, read anew.
    package var bootInstant: BootInstant { BootInstant(nanoseconds: bootNanoseconds) }
}
