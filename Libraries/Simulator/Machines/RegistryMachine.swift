import Metrics
import Protocol
import RegistryCore
import RegistryServing
import Replicas
import ReplicatedLog

/// The registry's process: the real pipeline, over simulated messages instead of connections.
final class RegistryMachine: Machine {
    private static let group = LogGroupID(rawValue: 0)

    private let options: ClusterOptions
    private let defaultOwnership: DefaultOwnershipWatch
    private var log: ProcessLog?
    private var pipeline: RegistryPipeline?

    init(_ world: World, _ network: Network, _ options: ClusterOptions, watch: DefaultOwnershipWatch) {
        self.options = options
        defaultOwnership = watch
        super.init(.registry, world, network)
    }

    var core: RegistryCore? { pipeline?.core }

    override func boot() throws {
        let process = ProcessDisk(self, options.log.wide)
        let core = try RegistryCore(
            store: process.state, prefix: [2],
            configuration: RegistryConfiguration(stalenessDelayNanoseconds: options.stalenessDelay))
        let storage = try ReplicaStorage(process, [Self.group: core]) { _, index, bytes in
            _ = try core.apply([UInt8](bytes), at: index)
            states.compare(Self.group, at: index)
            defaultOwnership.applied([UInt8](bytes), at: index, core)
        }
        defaultOwnership.restarted(core)
        let log = ProcessLog(self, storage, on: process, options.log.wide)
        self.log = log
        let entries = log.open(Self.group, core, options.log.wide.settings)
        let pipeline = RegistryPipeline(core, log: entries, environment)
        pipeline.onApply = { [unowned self] in defaultOwnership.applied($0.bytes, at: $0.index, core) }
        log.watch(entries)
        pipeline.begin()
        self.pipeline = pipeline
        network.attach(.registry, of: id) { [unowned self] message, sender in receive(message, from: sender) }
        every(4_000_000_000...6_000_000_000) { pipeline.tick() }
        flusher = flushing(storage, options.log.wide, options) { $0([Self.group: entries.trimIndex]) }
    }

    override func halt() {
        if let core { states.keep(Self.group, at: core.appliedIndex) }
        log?.end()
        log = nil
        pipeline = nil
        network.detach(.registry)
    }

    override func quit(_ done: @escaping () -> Void) {
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
            guard let reply, isUp else { return }
            network.send(Message(id: message.id, body: .registryAnswer(reply)), from: .registry, to: sender)
        }
    }
}
