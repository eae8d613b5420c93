/// All connections of a service, and who gives way when there are too many: first who has never asked for anything,
/// then who has not moved in the middle of a request for seconds, then who is between two; the oldest first, and of the
/// host that has most. A connection that is worked for never is, so where nobody can give way new ones have to wait.
///
/// Clients know that a server may close a connection between two requests, and repeat what crosses with that.
public final class AcceptedConnections<Connection: AcceptedConnection>: ConnectionAdmission {
    public let limits: ConnectionLimits
    public private(set) var count = 0
    /// Called after a connection had to give way, or a new one was not let in.
    public var onShortage: (() -> Void)?

    private let loop: EventLoop
    private let sweepNanoseconds: UInt64
    private var byHost: [UInt32: [ObjectIdentifier: Connection]] = [:]
    private var sweeper: LoopTimer?

    /// In the middle of a request everybody may stand still for so long.
    private let stallNanoseconds: UInt64 = 5_000_000_000

    /// - Parameter sweepNanoseconds: how often expired connections are looked for, as long as there are any.
    public init(on loop: EventLoop, _ limits: ConnectionLimits, sweepNanoseconds: UInt64 = 2_000_000_000) {
        self.loop = loop
        self.limits = limits
        self.sweepNanoseconds = sweepNanoseconds
    }

    /// The loop would sweep on.
    deinit { sweeper?.cancel() }

    /// All of them, in no order.
    public var all: [Connection] { byHost.values.flatMap(\.values) }

    public func insert(_ connection: Connection) {
        guard byHost[connection.peer.address, default: [:]].updateValue(connection, forKey: ObjectIdentifier(connection))
            == nil
        else { return }
        count += 1
        sweeper =
            sweeper
            ?? loop.timer(afterNanoseconds: sweepNanoseconds, repeatingNanoseconds: sweepNanoseconds) {
                [unowned self] in sweep()
            }
    }

    /// False when it was not there.
    @discardableResult
    public func remove(_ connection: Connection) -> Bool {
        let host = connection.peer.address
        guard byHost[host]?.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return false }
        if byHost[host]?.isEmpty == true { byHost[host] = nil }
        count -= 1
        if count == 0 {
            sweeper?.cancel()
            sweeper = nil
        }
        return true
    }

    private func sweep() {
        let now = loop.monotonicNanoseconds
        for connection in all where connection.hasExpired(at: now) { connection.close() }
    }

    // MARK: Admission

    public var hasRoom: Bool { count < limits.total || whoGivesWay() != nil }

    public func admit(_ peer: SocketAddress) -> Bool {
        let host = byHost[peer.address, default: [:]]
        if host.count >= limits.perPeer, !giveWay(whoGivesWay(of: host)) { return refuse() }
        if count >= limits.total, !giveWay(whoGivesWay()) { return refuse() }
        return true
    }

    public func freeDescriptor() -> Bool { giveWay(whoGivesWay()) }

    private func refuse() -> Bool {
        onShortage?()
        return false
    }

    private func giveWay(_ connection: Connection?) -> Bool {
        guard let connection else { return false }
        connection.close()
        onShortage?()
        return true
    }

    private func whoGivesWay() -> Connection? {
        let hosts = byHost.values.sorted { $0.count > $1.count }
        return hosts.lazy.compactMap { self.whoGivesWay(of: $0) }.first
    }

    private func whoGivesWay(of host: [ObjectIdentifier: Connection]) -> Connection? {
        let now = loop.monotonicNanoseconds
        var first: (rank: Int, since: UInt64, connection: Connection)?
        for connection in host.values {
            guard let (rank, since) = rank(connection.standing, now) else { continue }
            if let first, (first.rank, first.since) <= (rank, since) { continue }
            first = (rank, since, connection)
        }
        return first?.connection
    }

    private func rank(_ standing: ConnectionStanding, _ now: UInt64) -> (Int, UInt64)? {
        switch standing {
        case .busy: nil
        case .silent(let since): (0, since)
        case .stalled(let since): now &- since < stallNanoseconds ? nil : (1, since)
        case .idle(let since): (2, since)
        }
    }
}
