import Protocol
import RegistryCore

/// A registry between its connections and its store, and a second replica behind it, driven by a script.
final class RegistryFuzzer {
    private static let instructions = 120
    private static let frameLimit = 1 << 20

    private let store = RecordingStore()
    private let replicaStore = RecordingStore()
    private var core: RegistryCore
    private let replica: RegistryCore
    private var log: [[UInt8]] = []
    /// Wall clock, nanoseconds.
    private var now: UInt64 = 1_700_000_000_000_000_000
    private var received: [UInt8] = []

    init(_ script: inout FuzzScript) throws {
        core = try RegistryCore(store: store, prefix: [7], configuration: Self.configuration(script.byte()))
        // What a replica was started with must not matter.
        replica = try RegistryCore(
            store: replicaStore, prefix: [7],
            configuration: RegistryConfiguration(
                location: LocationID(rawValue: 2), stalenessDelayNanoseconds: 1, assignmentTarget: 3))
    }

    private static func configuration(_ choice: UInt8) -> RegistryConfiguration {
        let rules = RegistryRules(
            enforceStableIP: choice & 1 == 1, enforceStableLeader: choice & 2 == 2,
            minimumAutoDecommissionIntervalNanoseconds: choice & 4 == 4 ? 1 : 3_600_000_000_000,
            maximumUnavailableFailureDomains: choice >> 3 & 3)
        return RegistryConfiguration(
            location: LocationID(rawValue: choice >> 5 & 1), rules: rules,
            useDelayNanoseconds: choice & 0x40 == 0 ? 0 : 60_000_000_000)
    }

    func run(_ script: inout FuzzScript) throws {
        for _ in 0..<Self.instructions {
            if script.isAtEnd { break }
            now += 1_000_000
            try step(&script)
        }
        core.refreshAssignment(at: Timestamp(nanoseconds: now))
        try checkAll()
    }

    private func step(_ script: inout FuzzScript) throws {
        switch script.byte() {
        case let row where Int(row) < RegistryTemplates.rows.count:
            let (kind, fields) = RegistryTemplates.rows[Int(row)]
            try send(kind.rawValue, try RegistryTemplates.body(fields, now: now, &script))
        case 0x40: try send(script.byte(), script.counted())
        case 0x41: try receive(script.counted())
        case 0x42: received = []  // the connection was closed
        case 0x43: now.jump(script.clockChange())
        case 0x44: try tick()
        case 0x45: try setHasFiles(&script)
        case 0x46: core = try RegistryCore(store: store, prefix: [7], configuration: Self.configuration(script.byte()))
        case 0x47: try crash(&script)
        case 0x48: try store.flush()
        case 0x49: try damagedEntry(&script)
        default: break
        }
    }

    // MARK: Messages

    private func send(_ kind: UInt8, _ body: [UInt8]) throws {
        var frame = BodyWriter()
        frame.integer(ProtocolWord.registryRequest.rawValue)
        frame.integer(UInt32(body.count + 1))
        frame.integer(kind)
        frame.raw(body)
        try receive(frame.bytes)
    }

    /// What a registry does with bytes of a connection: takes whole messages, and closes at the first wrong one.
    private func receive(_ bytes: [UInt8]) throws {
        received += bytes
        while true {
            let (request, size, isWrong) = Self.first(in: received)
            if isWrong { received = [] }
            guard let request else { return }
            received.removeFirst(size)
            try handle(request)
        }
    }

    private static func first(in bytes: [UInt8]) -> (AnyRegistryRequest?, size: Int, isWrong: Bool) {
        bytes.withUnsafeBytes { raw in
            do throws(DecodeError) {
                guard let (request, size) = try RegistryFrame.firstRequest(in: raw, limit: frameLimit) else {
                    return (nil, 0, false)
                }
                return (request, size, false)
            } catch {
                return (nil, 0, true)
            }
        }
    }

    private func handle(_ request: AnyRegistryRequest) throws {
        let time = Timestamp(nanoseconds: now)
        do throws(ProtocolError) {
            guard request.kind.isLogged else {
                let response = try core.read(request, at: time)
                guard (try? response.encoded()) != nil else { throw .internalError }
                return
            }
        } catch {
            if error == .internalError { throw Finding("no answer to \(request)") }
            return
        }
        guard let entries = try? core.prepare(request, at: time) else { return }
        for entry in entries { try apply(entry, of: request.kind) }
    }

    private func tick() throws {
        let time = Timestamp(nanoseconds: now)
        if let entry = try core.prepareStalenessTick(at: time) { try apply(entry, of: nil) }
        core.refreshAssignment(at: time)
    }

    private func setHasFiles(_ script: inout FuzzScript) throws {
        let changes = (0..<Int(script.byte() % 8)).map { _ in
            let byte = script.byte()
            return HasFilesChange(id: BlockServiceID(rawValue: UInt64(byte % 48)), hasFiles: byte >= 0x80)
        }
        try apply(try core.prepareHasFiles(changes, at: Timestamp(nanoseconds: now)), of: nil)
    }

    // MARK: The log

    private func apply(_ entry: [UInt8], of kind: RegistryKind?) throws {
        log.append(entry)
        let index = LogIndex(rawValue: UInt64(log.count))
        let reply = try core.apply(entry, at: index)
        let changes = store.lastKeys.count
        let other = try replica.apply(entry, at: index)
        guard reply == other else { throw Finding("\(reply) here, \(other) there") }
        if case .failure = reply, kind != .registerBlockServices, changes != 1 {
            throw Finding("refused with \(reply), but changed \(changes) records")
        }
    }

    private func crash(_ script: inout FuzzScript) throws {
        store.memory.crash(surviving: Int(script.byte()) % (store.memory.unsyncedBatchCount + 1))
        core = try RegistryCore(store: store, prefix: [7], configuration: Self.configuration(script.byte()))
        for (number, entry) in log.enumerated().dropFirst(Int(core.appliedIndex.rawValue)) {
            try core.apply(entry, at: LogIndex(rawValue: UInt64(number + 1)))
        }
    }

    /// Bytes of an entry that are not what was written stop a replica or are applied; this one is thrown away after.
    private func damagedEntry(_ script: inout FuzzScript) throws {
        guard var entry = script.pick(log) else { return }
        let victim = try RegistryCore(store: RecordingStore(), prefix: [], configuration: RegistryConfiguration())
        for _ in 0..<3 { entry[Int(script.byte()) % entry.count] ^= script.byte() }
        _ = try? victim.apply(entry, at: LogIndex(rawValue: 1))
    }

    private func checkAll() throws {
        if let difference = difference(store, replicaStore) { throw Finding("replicas differ: \(difference)") }
        for checked in [core, replica] {
            var violations: [String] = []
            checked.checkInvariants { violations.append($0) }
            if let first = violations.first { throw Finding("\(violations.count) violations, the first: \(first)") }
        }
    }
}
