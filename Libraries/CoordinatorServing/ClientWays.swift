import CoordinatorCore
import Replicas

/// How the requests came that wait for an answer. A request that is repeated is the same one whatever way it takes, so
/// that is no part of what the coordinator knows it by; the answer goes the way that it came last.
struct ClientWays {
    private var recent: [RequestOrigin: ClientWay] = [:]
    private var older: [RequestOrigin: ClientWay] = [:]

    /// Twice as many are remembered at most. Most are answered long before.
    private static let limit = 1 << 15

    mutating func note(_ way: ClientWay, of origin: RequestOrigin) {
        if recent.count >= Self.limit { (recent, older) = ([:], recent) }
        recent[origin] = way
    }

    /// Nil of a request that came to another leader, or too long ago.
    mutating func take(_ origin: RequestOrigin) -> ClientWay? {
        let way = older.removeValue(forKey: origin)
        return recent.removeValue(forKey: origin) ?? way
    }
}
