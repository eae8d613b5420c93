import Protocol

/// Where block services are when nobody listens at the addresses that a shard gave: a shard hears of a move up to a
/// minute later, the registry knows at once. The caller passes the time. Confined to the loop.
package struct MovedServices {
    /// Addresses where nobody listened, and when that was.
    private var refused: [AddrsInfo: UInt64] = [:]
    /// What the registry said last.
    private var known: [BlockServiceID: AddrsInfo] = [:]
    private var askedNanoseconds: UInt64?
    /// The registry was asked and has not answered yet.
    package private(set) var isAsking = false

    private static let pauseNanoseconds: UInt64 = 3_000_000_000
    private static let limit = 10_000
    /// After so long shards know better than what the registry said once; an address that still refuses is asked
    /// about again.
    private static let lifetimeNanoseconds: UInt64 = 60_000_000_000

    package init() {}

    /// Where to look for a service.
    package func addresses(of service: BlockService, now: UInt64) -> AddrsInfo {
        guard let then = refused[service.addrs], now &- then < Self.lifetimeNanoseconds else { return service.addrs }
        return known[service.id] ?? service.addrs
    }

    /// Nobody listens there. True when the registry is to be asked now: not more often than every three seconds.
    package mutating func refusal(at addresses: AddrsInfo, now: UInt64) -> Bool {
        if refused.count >= Self.limit { refused = [:] }
        refused[addresses] = now
        if isAsking { return false }
        if let asked = askedNanoseconds, now &- asked < Self.pauseNanoseconds { return false }
        askedNanoseconds = now
        isAsking = true
        return true
    }

    /// The registry's answer; nil when there was none.
    package mutating func answered(_ places: [BlockServiceID: AddrsInfo]?) {
        isAsking = false
        if let places { known = places }
    }

    /// Whether an answer has been due for so long that nobody should wait for it.
    package func isOverdue(now: UInt64) -> Bool {
        isAsking && now &- (askedNanoseconds ?? now) > Self.pauseNanoseconds / 3
    }
}
