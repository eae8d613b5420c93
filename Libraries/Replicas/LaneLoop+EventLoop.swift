import Consensus
import EventLoop
import ReplicatedLog

extension LaneLoop {
    /// On a real loop.
    package init(_ loop: EventLoop) {
        self.init(
            now: { BootInstant(nanoseconds: loop.bootNanoseconds) }, seed: { .random(in: 0...UInt64.max) },
            resume: { loop.submit($0) })
    }
}
