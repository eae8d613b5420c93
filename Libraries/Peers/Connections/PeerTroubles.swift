import Consensus
import EventLoop
import Logging
import Metrics

/// Counts and logs what goes wrong between processes: a cause and a peer once, until the peer is well again. Confined to
/// the loop.
final class PeerTroubles {
    /// Whom it is about, as far as that is known.
    enum Who: Hashable, CustomStringConvertible {
        /// The process looked for in a slot.
        case slot(ReplicaSlot)
        /// Whoever has connected from a host, and the slot that it says it is in, if it has come to that.
        case host(UInt32, ReplicaSlot?)

        var description: String {
            switch self {
            case .slot(let slot): "the process in \(slot)"
            case .host(let address, nil): "somebody at \(SocketAddress(address: address, port: 0).host)"
            case .host(let address, let slot?):
                "somebody at \(SocketAddress(address: address, port: 0).host) who claims \(slot)"
            }
        }
    }

    private struct Occasion: Hashable {
        let who: Who
        /// Nil: it cannot be reached.
        let failure: PeerFailure?
    }

    private let logger: Logger
    private let byCause: [PeerRefusal: Counter]
    private let byPeers: Counter
    private let unreached: Counter
    private var logged: Set<Occasion> = []

    /// Strangers can come from any number of addresses; a log that tells of so many has told of it.
    private static let loggedLimit = 256

    init(counters: Counters, logger: Logger) {
        self.logger = logger
        byCause = Dictionary(
            uniqueKeysWithValues: PeerRefusal.allCases.map { ($0, counters.counter("peers_refused_\($0)_total")) })
        byPeers = counters.counter("peers_refused_by_peer_total")
        unreached = counters.counter("peers_unreached_total")
    }

    func add(_ failure: PeerFailure, _ who: Who) {
        if failure.isByPeer { byPeers.add() } else { byCause[failure.cause]?.add() }
        guard isNew(Occasion(who: who, failure: failure)) else { return }
        logger.warning("\(who) \(failure.sentence)")
    }

    func add(_ error: SystemError, _ who: Who) {
        unreached.add()
        guard isNew(Occasion(who: who, failure: nil)) else { return }
        logger.notice("\(who) cannot be reached: \(error)")
    }

    private func isNew(_ occasion: Occasion) -> Bool {
        logged.count < Self.loggedLimit && logged.insert(occasion).inserted
    }

    /// All is well with a peer: what goes wrong from now on is news.
    func forget(_ who: Who) {
        logged = logged.filter { $0.who != who }
    }
}

extension SocketAddress {
    /// The address without the port.
    fileprivate var host: Substring { description.prefix { $0 != ":" } }
}
