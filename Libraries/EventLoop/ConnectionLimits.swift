import Glibc

/// How many clients a service holds at the same time, and how long a new one may be silent.
public struct ConnectionLimits: Sendable {
    /// All together.
    public var total: Int
    /// From one address.
    public var perPeer: Int
    /// For the first request of a connection, and for the rest of one that has begun to come in.
    public var requestNanoseconds: UInt64

    /// - Parameter perPeer: nil: half of `total`, so that no host can keep the others out; all of it when it is small.
    public init(total: Int, perPeer: Int? = nil, requestNanoseconds: UInt64 = 10_000_000_000) {
        self.total = max(total, 1)
        self.perPeer = min(max(perPeer ?? max(total / 2, Self.smallTotal), 1), self.total)
        self.requestNanoseconds = requestNanoseconds
    }

    private static let smallTotal = 64

    /// The same, or less where the process may not have so many descriptors.
    /// - Parameters:
    ///   - descriptorsEach: what a connection may need, with what its request opens.
    ///   - reserve: for everything else.
    public func fitting(descriptorsEach: Int, reserve: Int) -> ConnectionLimits {
        var fitting = self
        fitting.total = min(total, max((Self.descriptors - reserve) / descriptorsEach, 1))
        fitting.perPeer = min(perPeer, max(fitting.total / 2, min(Self.smallTotal, fitting.total)))
        return fitting
    }

    /// How many descriptors the process may have.
    public static var descriptors: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        return Int(clamping: limit.rlim_cur)
    }
}
