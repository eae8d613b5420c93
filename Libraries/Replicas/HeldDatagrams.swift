import Consensus
import DequeModule
import Mutations

/// What clients have sent while nobody was known to lead: for a moment it waits for whoever will. A group is without a
/// leader for less than a second, and clients ask ever more seldom.
package struct HeldDatagrams {
    package struct Datagram {
        package let bytes: [UInt8]
        package let way: ClientWay
        package let arrival: BootInstant
    }

    private var held: Deque<Datagram> = []
    private var byteCount = 0

    /// So much waits at most, however long nobody leads; of more the oldest go.
    private static let limit = 64
    private static let byteLimit = 64 << 10
    private static let patience = BootSpan.milliseconds(1000)

    package init() {}

    /// - Parameter arrival: since when it waits.
    package mutating func hold(_ datagram: UnsafeRawBufferPointer, _ way: ClientWay, since arrival: BootInstant) {
        held.append(Datagram(bytes: [UInt8](datagram), way: way, arrival: arrival))
        byteCount += datagram.count
        while held.count > Self.limit || byteCount > Self.byteLimit { byteCount -= held.removeFirst().bytes.count }
    }

    /// What has not waited for too long, in its order.
    package mutating func take(at now: BootInstant) -> [Datagram] {
        defer {
            held.removeAll()
            byteCount = 0
        }
        return held.filter { now < $0.arrival + Self.patience || Mutation.heldRequestsDoNotAge.isPlanted }
    }
}
