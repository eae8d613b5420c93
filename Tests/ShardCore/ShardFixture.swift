import Erasure
import Protocol
import ShardCore
import Store
import TestShards
import Testing

/// One shard with a clock of its own, driven through encoded entries as a service would.
final class ShardFixture {
    let store: any OrderedStore
    private(set) var core: ShardCore
    let shard: ShardID
    /// Every entry applied, for replaying.
    private(set) var log: [[UInt8]] = []
    var now = Timestamp(nanoseconds: 1_700_000_000_000_000_000)
    /// How far the clock goes on with each request, in nanoseconds.
    var step = ShardFixture.second
    /// Whether all invariants are checked after each entry.
    var checksInvariants: Bool

    static let second: UInt64 = 1_000_000_000
    static let lifetime: UInt64 = 3_600 * second
    private let minimumHistoryAge: UInt64
    private let supersededGrace: UInt64
    private let ownershipLimit: UInt32

    init(
        shard: UInt8 = 0, store: any OrderedStore = MemoryStore(), domains: Int = 16, checksInvariants: Bool = true,
        genesis: Bool = true, minimumHistoryAge: UInt64 = 0, supersededGrace: UInt64 = 600 * ShardFixture.second,
        ownershipLimit: UInt32 = ShardCore.defaultOwnershipLimit
    ) throws {
        self.shard = ShardID(rawValue: shard)
        self.store = store
        self.checksInvariants = checksInvariants
        self.minimumHistoryAge = minimumHistoryAge
        self.supersededGrace = supersededGrace
        self.ownershipLimit = ownershipLimit
        core = try ShardCore(
            store: store, shard: self.shard, transientLifetimeNanoseconds: Self.lifetime,
            minimumHistoryAgeNanoseconds: minimumHistoryAge, supersededGraceNanoseconds: supersededGrace,
            blockServices: ShardDisks.table(domains: domains), ownershipLimit: ownershipLimit)
        if genesis { try begin() }
    }

    func begin() throws {
        let genesis = ShardGenesis(
            cookieKey: SecretKey(low: 0x0123_4567_89ab_cdef, high: 0xfedc_ba98_7654_3210 ^ UInt64(shard.rawValue)),
            rootInfo: try DirectoryInfo.sternaRootDefault())
        _ = try apply(core.prepareGenesis(genesis, at: tick()))
    }

    private func advance() -> Timestamp {
        now = Timestamp(nanoseconds: now.nanoseconds + step)
        return now
    }

    /// Moves the clock on by a second.
    @discardableResult
    func tick(seconds: UInt64 = 1) -> Timestamp {
        now = Timestamp(nanoseconds: now.nanoseconds + seconds * Self.second)
        return now
    }

    /// The core anew over the same store.
    func restart() throws {
        core = try ShardCore(
            store: store, shard: shard, transientLifetimeNanoseconds: Self.lifetime,
            minimumHistoryAgeNanoseconds: minimumHistoryAge, supersededGraceNanoseconds: supersededGrace,
            blockServices: core.blockServices, ownershipLimit: ownershipLimit)
    }

    /// Applies an entry as a replica does that received its bytes.
    func apply(_ entry: ShardLogEntry) throws -> ShardReply {
        let bytes = try entry.encoded()
        #expect(try ShardLogEntry(decoding: bytes) == entry)
        log.append(bytes)
        let index = core.appliedIndex.next
        let reply = try bytes.withUnsafeBytes { try core.apply(encoded: $0, at: index) }
        if checksInvariants { expectInvariants() }
        return reply
    }

    func expectInvariants() {
        do {
            let violations = try core.invariantViolations()
            #expect(violations == [])
        } catch {
            Issue.record(error)
        }
    }

    /// What a client gets for a request of any kind; with a request id, as if it came in a packet.
    func reply(
        _ request: AnyShardRequest, isPrivileged: Bool = true, requestID: UInt64? = nil
    ) throws -> Result<AnyShardResponse, ProtocolError> {
        do throws(ShardFailure) {
            if request.kind.isReadOnly {
                let response = try core.read(request)
                expectFastRead(request, response)
                return .success(response)
            }
            let entry = try core.prepare(request, isPrivileged: isPrivileged, requestID: requestID, at: advance())
            return try result(of: entry)
        } catch {
            if case .refused(let code) = error {
                if request.kind.isReadOnly { expectFastRefusal(request, code) }
                return .failure(code)
            }
            throw error
        }
    }

    private func result(of entry: ShardLogEntry) throws(ShardFailure) -> Result<AnyShardResponse, ProtocolError> {
        do {
            switch try apply(entry) {
            case .response(let response): return .success(response)
            case .refused(let code): return .failure(code)
            }
        } catch let error as ShardStateError {
            throw .state(error)
        } catch {
            Issue.record(error)
            throw .refused(.internalError)
        }
    }

    /// The typed response to a typed request.
    @discardableResult
    func call<Request: ShardRPC>(
        _ request: Request, isPrivileged: Bool = true, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Request.Response {
        let response = try reply(request.erased, isPrivileged: isPrivileged).get()
        return try #require(Request.response(in: response), sourceLocation: sourceLocation)
    }

    /// Expects a request to be refused.
    func expect<Request: ShardRPC>(
        _ code: ProtocolError, _ request: Request, isPrivileged: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        switch try reply(request.erased, isPrivileged: isPrivileged) {
        case .success(let response): Issue.record("expected \(code), got \(response)", sourceLocation: sourceLocation)
        case .failure(let refusal): #expect(refusal == code, sourceLocation: sourceLocation)
        }
    }

    // The path that datagrams take must say the same as the typed one.

    private func fastRead(_ request: AnyShardRequest) throws -> Result<[UInt8], ShardFailure> {
        let body = try encodedBytes(capacity: request.encodedSize) { writer throws(EncodeError) in
            try request.encode(into: &writer)
        }
        var buffer = [UInt8](repeating: 0, count: 8972)
        return buffer.withUnsafeMutableBytes { buffer in
            body.withUnsafeBytes { body in
                var writer = WireWriter(buffer)
                do throws(ShardFailure) {
                    try core.read(request.kind, body, into: &writer)
                    return .success([UInt8](writer.written))
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    private func expectFastRead(_ request: AnyShardRequest, _ response: AnyShardResponse) {
        do {
            let expected = try encodedBytes(capacity: response.encodedSize) { writer throws(EncodeError) in
                try response.encode(into: &writer)
            }
            #expect(try fastRead(request).get() == expected)
        } catch {
            Issue.record(error)
        }
    }

    private func expectFastRefusal(_ request: AnyShardRequest, _ code: ProtocolError) {
        do {
            let outcome = try fastRead(request)
            #expect(outcome == .failure(.refused(code)))
        } catch {
            Issue.record(error)
        }
    }
}

/// The block services of a test cluster: `domains` failure domains with one flash and one hard disk each.
enum ShardDisks {
    static func domain(_ index: Int) -> FailureDomain { FailureDomain(name: "domain-\(index / 2)") }

    static func table(domains: Int) -> BlockServiceTable {
        BlockServiceTable(
            placingOn: (0..<domains * 2).map { index in
                BlockServiceTable.Service(
                    id: TestDisks.id(index), addrs: .loopback(port: UInt16(1000 + index)),
                    storageClass: index % 2 == 0 ? .flash : .hdd, failureDomain: domain(index),
                    secretKey: TestDisks.key(index), flags: [])
            })
    }

    /// The proof that a block service gives.
    static func proof(_ service: BlockServiceID, _ block: BlockID, erase: Bool = false) throws -> BlockProof {
        try #require(TestDisks.proof(service, block, erase: erase))
    }
}

extension String {
    var bytes: [UInt8] { [UInt8](utf8) }
}
