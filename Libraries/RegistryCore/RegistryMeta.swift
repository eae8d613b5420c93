import Protocol
import Wire

/// The registry's one row of its own.
struct RegistryMeta: FixedWireValue, Equatable {
    /// The last entry that the stored tables contain.
    var appliedIndex = LogIndex(rawValue: 0)
    /// The time of that entry: the next one must be later.
    var lastEntryTime = Timestamp(nanoseconds: 0)
    /// When a block service was last decommissioned at its own request; 0 = never.
    var lastAutoDecommission = Timestamp(nanoseconds: 0)

    init() {}

    static let wireSize = 24

    init(loading bytes: UnsafeRawPointer) {
        appliedIndex = LogIndex(loading: bytes)
        lastEntryTime = Timestamp(loading: bytes + 8)
        lastAutoDecommission = Timestamp(loading: bytes + 16)
    }

    func store(to bytes: UnsafeMutableRawPointer) {
        appliedIndex.store(to: bytes)
        lastEntryTime.store(to: bytes + 8)
        lastAutoDecommission.store(to: bytes + 16)
    }
}
