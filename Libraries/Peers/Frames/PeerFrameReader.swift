import Logging
import Metrics
import Protocol

/// Reads the frames that come from peers. What it cannot read is counted and passed over: the peer has proved who it is,
/// so it is of another version, or has a defect, and neither may stop the groups that it shares with us. Thread-safe.
public struct PeerFrameReader: Sendable {
    private let unknown: Counter
    private let malformed: Counter
    private let logger: Logger

    public init(counters: Counters, logger: Logger) {
        unknown = counters.counter("peers_frames_unknown_total")
        malformed = counters.counter("peers_frames_malformed_total")
        self.logger = logger
    }

    /// Nil when nothing can be made of it.
    public func frame(in bytes: UnsafeRawBufferPointer, from peer: PeerIdentity) -> PeerFrame? {
        do throws(DecodeError) {
            return try PeerFrame(decoding: bytes)
        } catch .unknownKind where bytes.first.flatMap(PeerFrame.Kind.init) == nil {
            unknown.add()
        } catch {
            // One of them says it all.
            if malformed.value == 0 { logger.error("\(peer) sends what is not a frame: \(error)") }
            malformed.add()
        }
        return nil
    }
}
