import Protocol

/// Which block services know FETCH_PAGE_SUMS. Those of the base protocol refuse it as malformed, and then close the
/// connection with all that is queued there; so it is found out once for each, with a request that nothing else is
/// queued behind. The caller passes the time. Confined to the loop.
struct PageSumsServices {
    enum Ability: Equatable {
        case unknown, underTrial, knows, lacks
    }

    private enum Record {
        /// Whoever else wants something of the service meanwhile.
        case underTrial([(ClientError?) -> Void])
        case knows
        case lacks(untilNanoseconds: UInt64)
    }

    /// A server may be brought up to date under a running client.
    private static let lackingNanoseconds: UInt64 = 24 * 3600 * 1_000_000_000

    private var records: [BlockServiceID: Record] = [:]

    func ability(of service: BlockServiceID, now: UInt64) -> Ability {
        switch records[service] {
        case nil: .unknown
        case .underTrial: .underTrial
        case .knows: .knows
        case .lacks(let until): now < until ? .lacks : .unknown
        }
    }

    mutating func beginTrial(of service: BlockServiceID) {
        records[service] = .underTrial([])
    }

    /// Calls `body` when the trial has ended; with an error when the service could not be asked.
    mutating func awaitTrial(of service: BlockServiceID, _ body: @escaping (ClientError?) -> Void) {
        guard case .underTrial(let waiters) = records[service] else { return body(nil) }
        records[service] = .underTrial(waiters + [body])
    }

    /// A request for page sums has ended; what is answered tells those who waited.
    mutating func answered(
        _ service: BlockServiceID, _ result: Result<Void, ClientError>, now: UInt64
    ) -> () -> Void {
        var waiters: [(ClientError?) -> Void] = []
        if case .underTrial(let waiting) = records[service] {
            waiters = waiting
            records[service] = nil
        }
        var failure: ClientError?
        switch result {
        case .success: records[service] = .knows
        case .failure(let error) where error.isRefusal(.malformedRequest):
            records[service] = .lacks(untilNanoseconds: now &+ Self.lackingNanoseconds)
        // An answer about one block; the next one tells.
        case .failure(let error) where error.code != nil: break
        case .failure(let error): failure = error
        }
        return { for waiter in waiters { waiter(failure) } }
    }
}
