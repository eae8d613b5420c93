/// A refusal, and by whom.
struct PeerFailure: Error, Hashable {
    let cause: PeerRefusal
    /// The other end has refused this process.
    let isByPeer: Bool

    static func here(_ cause: PeerRefusal) -> PeerFailure { PeerFailure(cause: cause, isByPeer: false) }
    static func byPeer(_ wireValue: UInt8) -> PeerFailure {
        PeerFailure(cause: PeerRefusal(wireValue: wireValue), isByPeer: true)
    }

    var sentence: String { isByPeer ? "says that this process \(cause.sentence)" : cause.sentence }
}
