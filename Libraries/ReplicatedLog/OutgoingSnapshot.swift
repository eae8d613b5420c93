import Consensus
import Protocol
import Store

/// The state of a group as of a position, which peers fetch from its leader.
struct OutgoingSnapshot {
    let base: SnapshotBase
    let view: StateView
    /// When somebody fetched a part last.
    var usedAt: BootInstant

    /// Whoever comes back later gets a newer one.
    static let patience = BootSpan.milliseconds(30_000)
    private static let partBytes = 256 << 10

    /// The pairs behind a key; none at the end.
    func pairs(after key: [UInt8]) throws(StoreError) -> [SnapshotPair] {
        view.move(after: key)
        return (try view.next(byteCount: Self.partBytes) ?? []).map { SnapshotPair(key: $0.key, value: $0.value) }
    }
}
