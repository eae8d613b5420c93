/// Why two processes do not talk, or do not any more.
public enum PeerRefusal: UInt8, Error, CaseIterable, Sendable {
    // What the other end is told. The numbers are those on the wire.
    /// Another version of the handshake or of the frames.
    case version = 1
    /// Another way of protecting frames.
    case suite = 2
    /// A process that serves something else.
    case service = 3
    /// The slot that is asked for is not that of this process.
    case otherSlot = 4
    /// Somebody else says that it has this process's slot.
    case ownSlot = 5
    /// A life of a disk after which another one has been seen.
    case replaced = 6
    /// The key is not this cluster's, or not one that is taken.
    case key = 7

    // What only this end knows.
    /// What came is no handshake.
    case malformed = 128
    /// It ended during the handshake.
    case silent = 129
    /// A frame that is longer than any.
    case oversize = 130
    /// A frame that has been changed, repeated or moved.
    case forged = 131

    /// What the other end is told; it is not told more than it could do something about.
    var wireValue: UInt8 { rawValue < 128 ? rawValue : Self.version.rawValue }

    /// From the other end; a cause that is not known is one of a later version.
    init(wireValue: UInt8) {
        self = wireValue < 128 ? PeerRefusal(rawValue: wireValue) ?? .version : .version
    }

    /// For a log, after the name of whoever is refused.
    var sentence: String {
        switch self {
        case .version: "speaks another version"
        case .suite: "wants frames protected otherwise"
        case .service: "serves something else"
        case .otherSlot: "takes one slot for another"
        case .ownSlot: "is in the same slot"
        case .replaced: "has been replaced: another life of its disk has been seen"
        case .key: "has another key"
        case .malformed: "does not speak the protocol of replicas"
        case .silent: "ends during the handshake"
        case .oversize: "sends a frame longer than any"
        case .forged: "sends a frame that was changed, repeated or moved"
        }
    }
}
