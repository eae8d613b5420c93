import DequeModule
import EventLoop
import Glibc
import Protocol

/// Connections to block servers, kept and shared by everything that a client does with blocks.
///
/// A connection serves one server, one purpose and one lane (the low bits of the block service's number), so that a
/// slow disk delays only its own lane and a long write no read (services.md C.5). Confined to its loop.
package final class BlockConnectionPool: BlockExchange {
    private struct Key: Hashable {
        let addresses: AddrsInfo
        let lane: UInt8
        let purpose: BlockPurpose
    }

    /// Requests for a server that does not listen where it should.
    private struct Stranded {
        let key: Key
        let operations: Deque<BlockOperation>
        let reason: String
    }

    private static let laneMask: UInt64 = 31
    private static let tickNanoseconds: UInt64 = 1_000_000_000

    private let loop: EventLoop
    private let stallNanoseconds: UInt64
    private let idleNanoseconds: UInt64 = 60_000_000_000
    private let connectNanoseconds: UInt64 = 4_000_000_000
    private var connections: [Key: [BlockConnection]] = [:]
    private var usesSecondAddress = false
    private var ticker: LoopTimer?
    private var isClosed = false
    private var moved = MovedServices()
    /// Servers that close the connection with an error. They are few or all.
    private var closers: Set<SocketAddress> = []
    private var stranded: [Stranded] = []
    package var locate: (() -> Void)?

    package init(loop: EventLoop, stallNanoseconds: UInt64) {
        self.loop = loop
        self.stallNanoseconds = stallNanoseconds
        ticker = loop.timer(afterNanoseconds: Self.tickNanoseconds, repeatingNanoseconds: Self.tickNanoseconds) {
            [weak self] in self?.tick()
        }
    }

    /// Sends the request on the best connection; a new one if need be.
    package func submit(_ operation: BlockOperation, purpose: BlockPurpose) {
        guard !isClosed else { return operation.fail(.closed, "") }
        if operation.submittedNanoseconds == 0 { operation.submittedNanoseconds = loop.monotonicNanoseconds }
        let lane = UInt8(operation.service.id.rawValue & Self.laneMask)
        let addresses = moved.addresses(of: operation.service, now: loop.monotonicNanoseconds)
        let key = Key(addresses: addresses, lane: lane, purpose: purpose)
        let known = connections[key, default: []].filter { !$0.isEnding }
        let best = known.min { $0.load < $1.load }
        if let best, best.operations.isEmpty || known.count >= purpose.connectionLimit {
            best.submit(operation)
            return
        }
        switch connect(key) {
        case .success(let made): made.submit(operation)
        case .failure(let error) where error.code == ECONNREFUSED: refused([operation], key, "\(error)")
        case .failure(let error): operation.fail(.blockTransfer, "\(error)")
        }
    }

    package func located(_ places: [BlockServiceID: AddrsInfo]?) {
        moved.answered(places)
        settleStranded()
    }

    /// The stream cannot skip an answer, so the connection goes with it; others on it are repeated.
    package func abandon(_ operation: BlockOperation, _ reason: String) {
        operation.isAbandoned = true
        let carrier = connections.values.joined().first { connection in
            connection.operations.contains { $0 === operation }
        }
        carrier?.close(reason)
    }

    /// Fails everything under way and closes all connections.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        ticker?.cancel()
        ticker = nil
        for connection in connections.values.joined() { connection.close("the client is closing") }
        connections = [:]
        settleStranded()
    }

    private func connect(_ key: Key) -> Result<BlockConnection, SystemError> {
        Result { () throws(SystemError) in
            let address = address(key.addresses)
            let made = try BlockConnection(
                loop: loop, address: address, closesWithErrors: closers.contains(address)
            ) { [weak self] connection, left, reason in
                self?.closed(connection, key, left, reason)
            }
            connections[key, default: []].append(made)
            return made
        }
    }

    /// Both networks are used in turn.
    private func address(_ addresses: AddrsInfo) -> SocketAddress {
        guard addresses.addr2.port != 0 else { return SocketAddress(addresses.addr1) }
        usesSecondAddress.toggle()
        return SocketAddress(usesSecondAddress ? addresses.addr2 : addresses.addr1)
    }

    private func closed(_ connection: BlockConnection, _ key: Key, _ left: Deque<BlockOperation>, _ reason: String) {
        connections[key]?.removeAll { $0 === connection }
        if connections[key]?.isEmpty == true { connections[key] = nil }
        if connection.endedWithError { closers.insert(connection.address) }
        if connection.wasRefused { return refused(left, key, reason) }
        for operation in left {
            if !isClosed, mayRepeat(operation, from: connection) {
                submit(operation, purpose: key.purpose)
            } else {
                operation.fail(.blockTransfer, reason)
            }
        }
    }

    /// Whether a request that was lost with its connection goes to another one.
    private func mayRepeat(_ operation: BlockOperation, from connection: BlockConnection) -> Bool {
        guard !operation.isAbandoned, connection.answers > 0 else { return false }
        // Servers of the base protocol close after most errors, which is no fault of what was queued behind. This ends:
        // each time another request had its answer.
        if connection.answers > operation.answersBefore { return true }
        // A server may close a connection that it finds idle for too long just as we use it again.
        defer { operation.mayRepeat = false }
        return operation.mayRepeat
    }

    /// Nobody listens where the server should be. Perhaps the registry knows better.
    private func refused(_ operations: Deque<BlockOperation>, _ key: Key, _ reason: String) {
        stranded.append(Stranded(key: key, operations: operations, reason: reason))
        let asks = moved.refusal(at: key.addresses, now: loop.monotonicNanoseconds)
        if asks, !isClosed, let locate { return locate() }
        if asks { moved.answered(nil) }
        if !moved.isAsking { settleStranded() }
    }

    /// Sends once more what has another place to go to, and fails the rest.
    private func settleStranded() {
        let groups = stranded
        stranded = []
        for group in groups {
            for operation in group.operations {
                let addresses = moved.addresses(of: operation.service, now: loop.monotonicNanoseconds)
                let isElsewhere = addresses != group.key.addresses
                if isElsewhere, operation.mayRepeat, !operation.isAbandoned, !isClosed {
                    operation.mayRepeat = false
                    submit(operation, purpose: group.key.purpose)
                } else {
                    operation.fail(.blockTransfer, group.reason)
                }
            }
        }
    }

    /// Closes what does not move and what nobody uses.
    private func tick() {
        let now = loop.monotonicNanoseconds
        if moved.isOverdue(now: now) { settleStranded() }
        for connection in Array(connections.values.joined()) {
            let quiet = now &- connection.lastProgressNanoseconds
            if connection.operations.isEmpty {
                if quiet > idleNanoseconds { connection.close("idle") }
            } else if connection.state == .connecting, quiet > connectNanoseconds {
                connection.close("no connection within \(connectNanoseconds / 1_000_000_000) s")
            } else if quiet > stallNanoseconds {
                connection.close("no progress for \(stallNanoseconds / 1_000_000_000) s")
            }
        }
    }
}

extension BlockPurpose {
    /// Connections to one lane at most; beyond it requests queue on them.
    fileprivate var connectionLimit: Int {
        switch self {
        // A server syncs the directories of several erasures at once when they come side by side.
        case .write, .erase: 4
        case .fetch: 2
        case .check: 1
        // Nothing is queued behind one: the server may close, and reset what it has not read.
        case .trial: .max
        }
    }
}

extension BlockConnection {
    /// What a new request would wait for: bytes to send, and answers.
    fileprivate var load: Int {
        unsentBytes + operations.reduce(0) { $0 + max(1 << 16, $1.answer.byteCount) }
    }
}
