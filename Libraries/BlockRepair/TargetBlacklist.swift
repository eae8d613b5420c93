import Protocol

/// Whom the new place of a block must avoid. Pure.
///
/// No two blocks of a span may share a block service or failure domain, which the shard checks. The domain of the block
/// that is replaced would do, but one further away is better; its very service would do for a block that went bad on a
/// disk that is well, if there is no other. So less is demanded, step by step, only when the shard finds no place.
package struct TargetBlacklist {
    package struct Place: Hashable, Sendable {
        package let service: BlockServiceID
        package let domain: FailureDomain

        /// - Parameter domain: nil when it is not known.
        package init(_ service: BlockServiceID, _ domain: FailureDomain?) {
            self.service = service
            self.domain = domain ?? .none
        }
    }

    private enum Strictness: Int {
        case anotherDomain, anotherService, anywhere
    }

    private var taken: [Place]
    private let replaced: Place
    private let mayStay: Bool
    private let extra: [BlacklistEntry]
    private var failed: [Place] = []
    private var strictness = Strictness.anotherDomain

    /// - Parameters:
    ///   - others: where the other blocks of the span are.
    ///   - replaced: where the block is now.
    ///   - mayStay: whether the new block may, in need, be on the same block service.
    ///   - extra: what to avoid in any case.
    package init(others: [Place], replaced: Place, mayStay: Bool, extra: [BlacklistEntry]) {
        taken = others
        self.replaced = replaced
        self.mayStay = mayStay
        self.extra = extra
    }

    /// What to tell the shard.
    package var entries: [BlacklistEntry] {
        var places = taken
        switch strictness {
        case .anotherDomain: places += [replaced] + failed
        case .anotherService: places += ([replaced] + failed).map { Place($0.service, nil) }
        case .anywhere: places += failed.map { Place($0.service, nil) }
        }
        var seen: Set<Place> = []
        let own = places.filter { seen.insert($0).inserted }
        return extra + own.map { BlacklistEntry(failureDomain: $0.domain, blockService: $0.service) }
    }

    /// A block could not be written there.
    package mutating func failedToWrite(_ place: Place) {
        failed.append(place)
    }

    /// The shard says that the place shares a domain or service with another block.
    package mutating func isTaken(_ place: Place) {
        taken.append(place)
    }

    /// There is no such place: demands less. False when nothing less will do.
    package mutating func relax() -> Bool {
        guard let next = Strictness(rawValue: strictness.rawValue + 1), next != .anywhere || mayStay else {
            return false
        }
        strictness = next
        return true
    }
}
