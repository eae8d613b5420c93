import Protocol
import Wire

/// What one replica slot of a group last said about itself. All zero: nobody ever registered there.
struct ReplicaRow: FixedWireValue, Equatable {
    var isLeader = false
    var addrs = AddrsInfo.none
    var lastSeen = Timestamp(nanoseconds: 0)

    var hasAddress: Bool { addrs.addr1.port != 0 }

    init() {}

    /// The row of a slot before anybody registered: slot 0 is the group's leader.
    init(initialFor replica: Int) { isLeader = replica == 0 }

    static let wireSize = 21

    init(loading bytes: UnsafeRawPointer) {
        isLeader = Bool(loading: bytes)
        addrs = AddrsInfo(loading: bytes + 1)
        lastSeen = Timestamp(loading: bytes + 13)
    }

    func store(to bytes: UnsafeMutableRawPointer) {
        isLeader.store(to: bytes)
        addrs.store(to: bytes + 1)
        lastSeen.store(to: bytes + 13)
    }
}
