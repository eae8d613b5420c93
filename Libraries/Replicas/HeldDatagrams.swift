import Consensus
import DequeModule
import Mutations

/// What clients have sent while nobody was known to lead: for a moment it waits for whoever will. A group is without a
/// leader for less than a second, and clients ask ever more seldom.
package struct HeldDatagrams<Way> {
    private var held: Deque<(datagram: [UInt8], way: Way, at: BootInstant)> = []
    private var byteCount = 0

    /// So much waits at most, however long nobody leads; of more the oldest go.
    private static var limit: Int { 64 }
    private static var byteLimit: Int { 64 << 10 }
    private static var patience: BootSpan { .milliseconds(1000) }

    package init() {}

    package mutating func hold(_ datagram: UnsafeRawBufferPointer, _ way: Way, at now: BootInstant) {
        held.append(([UInt8](datagram), way, now))
        byteCount += datagram.count
        while held.count > Self.limit || byteCount > Self.byteLimit { byteCount -= held.removeFirst().datagram.count }
    }

    /// What has not waited for too long, in its order.
    package mutating func take(at now: BootInstant) -> [(datagram: [UInt8], way: Way)] {
        defer {
            held.removeAll()
            byteCount = 0
        }
        return held.filter { now < $0.at + Self.patience || Mutation.heldRequestsDoNotAge.isPlanted }
            .map { ($0.datagram, $0.way) }
    }
}
