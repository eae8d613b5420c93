import Protocol
import RegistryCore
import ReplicatedLog

/// The registry's process, as `Services/registry` has it.
final class RegistryMachine: Machine {
    private static let group = LogGroupID(rawValue: 0)

    /// A request whose entries are in the log.
    private struct Pending {
        let requestID: UInt64
        let sender: Endpoint
        let isLast: Bool
    }

    private let options: ClusterOptions
    private let defaultOwnership: DefaultOwnershipWatch
    private(set) var core: RegistryCore?
    private var log: ProcessLog?
    private var entries: HostedLog?
    private var pending: [LogIndex: Pending] = [:]

    init(_ world: World, _ network: Network, _ options: ClusterOptions, watch: DefaultOwnershipWatch) {
        self.options = options
        defaultOwnership = watch
        super.init(.registry, world, network)
    }

    override func boot() throws {
        let core = try RegistryCore(
            store: disk.state, prefix: [2],
            configuration: RegistryConfiguration(stalenessDelayNanoseconds: options.stalenessDelay))
        let store = try logStore(options.log.wide, mustExist: core.appliedIndex > .zero)
        let last = try store.replay(after: [Self.group: core.appliedIndex]) { _, index, bytes in
            _ = try core.apply([UInt8](bytes), at: index)
            defaultOwnership.applied([UInt8](bytes), at: index, core)
        }
        defaultOwnership.restarted(core)
        let log = try ProcessLog(self, store, options.log.wide)
        self.log = log
        let entries = log.open(Self.group, delivered: last[Self.group] ?? .zero, options.log.wide.limits)
        entries.onDelivery = { [unowned self] in deliver($0) }
        entries.onStop = { [unowned self] in logStopped($0) }
        log.watch(entries)
        self.entries = entries
        self.core = core
        network.attach(.registry, of: id) { [unowned self] message, sender in receive(message, from: sender) }
        every(4_000_000_000...6_000_000_000) { [unowned self] in tick() }
        every(options.flushPause) { [unowned self] in flush() }
    }

    override func halt() {
        log?.end()
        log = nil
        entries = nil
        core = nil
        pending = [:]
        network.detach(.registry)
    }

    private func receive(_ message: Message, from sender: Endpoint) {
        guard let core, case .registryRequest(let request) = message.body else { return }
        do throws(ProtocolError) {
            guard request.kind.isLogged else {
                return answer(.success(try core.read(request, at: wallClock)), message.id, sender)
            }
            propose(try core.prepare(request, at: wallClock), message.id, sender)
        } catch {
            answer(.failure(error), message.id, sender)
        }
    }

    private func propose(_ prepared: [[UInt8]], _ requestID: UInt64, _ sender: Endpoint) {
        guard let entries else { return }
        var indices: [LogIndex] = []
        do throws(ProposalRefusal) {
            for entry in prepared { indices.append(try entries.propose(entry)) }
        } catch {
            // What was proposed already takes place; the client asks again.
            return
        }
        for index in indices {
            pending[index] = Pending(requestID: requestID, sender: sender, isLast: index == indices.last)
        }
    }

    private func deliver(_ entry: LogEntry) {
        guard let core else { return }
        do throws(RegistryCoreError) {
            let reply = try core.apply(entry.bytes, at: entry.index)
            defaultOwnership.applied(entry.bytes, at: entry.index, core)
            guard let request = pending.removeValue(forKey: entry.index), request.isLast else { return }
            answer(reply, request.requestID, request.sender)
        } catch {
            fail(error)
        }
    }

    private func answer(_ reply: RegistryCore.Reply, _ requestID: UInt64, _ client: Endpoint) {
        network.send(Message(id: requestID, body: .registryAnswer(reply)), from: .registry, to: client)
    }

    private func tick() {
        guard let core, let entries else { return }
        do {
            if let entry = try core.prepareStalenessTick(at: wallClock) { _ = try entries.propose(entry) }
        } catch is ProposalRefusal {
            // The next tick sees the same.
        } catch {
            return fail(error)
        }
        core.refreshAssignment(at: wallClock)
    }

    override func flush() {
        guard let core else { return }
        do {
            try disk.flush()
            log?.trim(through: [Self.group: core.appliedIndex])
        } catch {
            // A full disk: the log keeps growing until there is room again.
        }
    }
}
