import Protocol

/// How the attempts to place one span go: whom to avoid, how long to pause, when to stop. Pure.
package struct Placement {
    package struct Failure: Sendable {
        package let service: BlockServiceID
        package let domain: FailureDomain
        package let error: ClientError

        package init(service: BlockServiceID, domain: FailureDomain, error: ClientError) {
            self.service = service
            self.domain = domain
            self.error = error
        }
    }

    /// How much is avoided. A large cluster has other places for everything; a small one may have none, and then a
    /// service that was just restarted is better than giving up.
    private enum Strictness: Int {
        case domainsAndRemembered, services, nothing
    }

    private static let attemptLimit = 6
    private static let blacklistLimit = 8

    private let startNanoseconds: UInt64
    private let limitNanoseconds: UInt64
    private var failures: [Failure] = []
    private var attempts = 0
    private var strictness = Strictness.domainsAndRemembered
    private var pauseNanoseconds: UInt64 = 50_000_000

    /// Why no place was found, once it is too late.
    package var error: ClientError {
        let last = failures.last?.error
        return ClientError(.cannotPlaceSpan(last: last?.cause), "placing of a span", last?.operation ?? "")
    }

    /// - Parameter limit: nanoseconds after which it is too late; 0: never.
    package init(start: UInt64, limit: UInt64) {
        startNanoseconds = start
        limitNanoseconds = limit
    }

    /// What the shard is asked to avoid; latest failures first, at most eight as other implementations do.
    package func blacklist(remembered: [BlacklistEntry]) -> [BlacklistEntry] {
        var list: [BlacklistEntry] = []
        switch strictness {
        case .domainsAndRemembered:
            list = failures.reversed().map { BlacklistEntry(failureDomain: $0.domain, blockService: $0.service) }
            list += remembered
        case .services:
            list = failures.reversed().map { BlacklistEntry(failureDomain: .none, blockService: $0.service) }
        case .nothing:
            break
        }
        var seen: Set<BlockServiceID> = []
        return Array(list.filter { seen.insert($0.blockService).inserted }.prefix(Self.blacklistLimit))
    }

    /// Blocks of this attempt could not be written.
    package mutating func failed(_ new: [Failure]) {
        failures += new
        attempts += 1
    }

    /// The next attempt after a failed one: how long to pause before it, nil to give up.
    package mutating func retry(now: UInt64) -> UInt64? {
        if strictness != .nothing, attempts < Self.attemptLimit { return 0 }
        return slowRetry(now)
    }

    /// The shard has no place for the span with this blacklist: ask for less, then wait for better times.
    package mutating func refused(now: UInt64) -> UInt64? {
        if let less = Strictness(rawValue: strictness.rawValue + 1) {
            strictness = less
            return 0
        }
        return slowRetry(now)
    }

    /// Since the first attempt.
    package func age(now: UInt64) -> UInt64 { now &- startNanoseconds }

    private mutating func slowRetry(_ now: UInt64) -> UInt64? {
        guard limitNanoseconds == 0 || age(now: now) < limitNanoseconds else { return nil }
        defer { pauseNanoseconds = min(pauseNanoseconds * 2, 2_000_000_000) }
        // Old failures may be over; new ones show soon.
        strictness = .domainsAndRemembered
        failures = Array(failures.suffix(1))
        attempts = 0
        return pauseNanoseconds
    }
}
