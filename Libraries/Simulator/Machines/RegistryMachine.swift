import EventLoop
import Metrics
import Protocol
import RegistryCore
import RegistryServing
import Replicas
import ReplicatedLog

/// The registry's process, or one of several: the real pipeline, over simulated messages instead of connections.
final class RegistryMachine: ReplicaMachine {
    private static let group = LogGroupID(rawValue: 0)

    private let defaultOwnership: DefaultOwnershipWatch
    private(set) var pipeline: RegistryPipeline?
    private var relay: RegistryRelay?

    init(
        _ site: ReplicaSite, slot: Int, _ world: World, _ network: Network, _ options: ClusterOptions,
        watch: DefaultOwnershipWatch
    ) {
        defaultOwnership = watch
        super.init(.registry(slot), .registry, site, slot: slot, options, options.log.wide, world, network)
        if slot == 0 { site.begin(Self.group, at: slot) }
    }

    override func boot() throws {
        let state = try StoredGroup(over: disk.state, prefix: [])
        let configuration = RegistryConfiguration(stalenessDelay: options.stalenessDelay, slot: slot)
        let open = { try RegistryCore(store: state.store, prefix: [], configuration: configuration) }
        let core = try open()
        try openStorage([Self.group: (core, state)]) { [defaultOwnership] _, index, bytes in
            _ = try core.apply([UInt8](bytes), at: index)
            defaultOwnership.applied([UInt8](bytes), at: index, core)
        }
        if site.isAlone { defaultOwnership.restarted(core) }
        guard let entries = self.open(Self.group, core, state, reopen: open) else { return }
        let pipeline = RegistryPipeline(core, log: entries, environment)
        pipeline.onApply = { [unowned self, unowned pipeline] in
            defaultOwnership.applied($0.bytes, at: $0.index, pipeline.core)
        }
        pipeline.onServing = { [unowned self, unowned pipeline] in
            leads(Self.group)
            defaultOwnership.restarted(pipeline.core)
            pipeline.tick()
        }
        self.pipeline = pipeline
        relay = exchange.map { passOn(pipeline, over: $0) }
        watch(entries)
        log?.start()
        pipeline.begin()
        network.attach(.registry(slot), of: id) { [unowned self] message, sender in receive(message, from: sender) }
        every(4_000_000_000...6_000_000_000) { pipeline.tick() }
    }

    override func halt() {
        super.halt()
        pipeline = nil
        relay = nil
        network.detach(.registry(slot))
    }

    /// What clients ask here while another replica leads.
    private func passOn(_ pipeline: RegistryPipeline, over exchange: PeerExchange) -> RegistryRelay {
        let relay = RegistryRelay(pipeline, over: exchange) { [unowned self] nanoseconds, body in
            after(nanoseconds, body)
        }
        let calls = Handover(relay)
        exchange.relays.call = { call, follower in calls.value.receive(call, from: follower) }
        exchange.relays.reply = { reply in calls.value.receive(reply) }
        return relay
    }

    override func drain(_ done: @escaping () -> Void) {
        pipeline?.willClose()
        done()
    }

    private var environment: RegistryPipeline.Environment {
        RegistryPipeline.Environment(
            wall: { [unowned self] in wallClock }, boot: { [unowned self] in world.now },
            monotonic: { [unowned self] in world.now },
            later: { [unowned self] nanoseconds, body in after(nanoseconds, body) },
            clockIsDisputed: { [unowned self] in world.note("\(id): the clock was set by \($0) s") },
            fail: { [unowned self] error in
                if let error = error as? LogError { logStopped(error) } else { fail(error) }
            },
            entries: Counters().counter("entries"))
    }

    private func receive(_ message: Message, from sender: Endpoint) {
        guard case .registryRequest(let request) = message.body else { return }
        pipeline?.handle(request) { [unowned self] reply in
            guard isUp else { return }
            let body = reply.map { Message.Body.registryAnswer($0) } ?? .registryHangUp
            network.send(Message(id: message.id, body: body), from: .registry(slot), to: sender)
        }
    }
}

extension RegistryConfiguration {
    fileprivate init(stalenessDelay: UInt64, slot: Int) {
        self.init(stalenessDelayNanoseconds: stalenessDelay)
        replica = ReplicaID(rawValue: UInt8(slot))
    }
}
