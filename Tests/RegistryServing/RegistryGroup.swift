import Consensus
import Metrics
import Protocol
import RegistryCore
import RegistryServing
import TestLog
import TestSupport
import Testing

/// A registry with three replicas.
final class RegistryGroup {
    /// One replica's process.
    final class Process {
        let pipeline: RegistryPipeline
        fileprivate(set) var leaderships = 0
        fileprivate let outside: Outside

        fileprivate init(_ pipeline: RegistryPipeline, _ outside: Outside) {
            self.pipeline = pipeline
            self.outside = outside
        }

        var core: RegistryCore { pipeline.core }
        /// What would have ended the process.
        var failures: [any Error] { outside.failures }
    }

    fileprivate final class Outside {
        var failures: [any Error] = []
    }

    /// What became of a request.
    final class Outcome {
        fileprivate(set) var replies: [RegistryCore.Reply?] = []

        /// Whether its connection was closed instead.
        var isLetGo: Bool { replies == [nil] }
        var isDone: Bool { if case .success?? = replies.first { replies.count == 1 } else { false } }
    }

    let replicas: HandDrivenGroup<RegistryCore>
    private(set) var processes: [Process] = []
    /// Of those that pass on what comes to followers.
    private(set) var relays: [RegistryRelay] = []
    /// How far the clocks of the registry are ahead of those of its log.
    var seconds: UInt64 = 0

    /// - Parameter passesOn: whether followers pass on what comes to them.
    init(passesOn: Bool = false) throws {
        replicas = try HandDrivenGroup { store, prefix in
            try RegistryCore(store: store, prefix: prefix, configuration: RegistryConfiguration())
        }
        processes = replicas.places.indices.map(makeProcess)
        if passesOn { relays = replicas.places.indices.map(makeRelay) }
    }

    private func makeRelay(_ number: Int) -> RegistryRelay {
        let exchange = replicas.places[number].exchange
        let relay = RegistryRelay(processes[number].pipeline, over: exchange) { [unowned replicas] nanoseconds, body in
            replicas.later(nanoseconds, at: number, body)
        }
        // Everything here is done by one thread.
        nonisolated(unsafe) let confined = relay
        exchange.relays.call = { confined.receive($0, from: $1) }
        exchange.relays.reply = { confined.receive($0) }
        return relay
    }

    private func makeProcess(_ number: Int) -> Process {
        let outside = Outside()
        let clock = { [unowned self] in seconds * 1_000_000_000 + replicas.nanoseconds }
        let environment = RegistryPipeline.Environment(
            wall: { Timestamp(nanoseconds: 1_700_000_000_000_000_000 + clock()) }, boot: clock, monotonic: clock,
            later: { [unowned replicas] nanoseconds, body in replicas.later(nanoseconds, at: number, body) },
            clockIsDisputed: { _ in }, fail: { outside.failures.append($0) },
            entries: Counters().counter("entries"))
        let pipeline = RegistryPipeline(
            replicas.places[number].state, log: replicas.places[number].replica, environment)
        let process = Process(pipeline, outside)
        pipeline.onServing = { [unowned process] in process.leaderships += 1 }
        return process
    }

    /// Lets all of them take part.
    func begin() { for process in processes { process.pipeline.begin() } }

    // MARK: Clients

    /// Sends a request to a replica, and lets happen what happens at once.
    func ask(_ request: AnyRegistryRequest, at process: Int) -> Outcome {
        let outcome = Outcome()
        processes[process].pipeline.handle(request) { outcome.replies.append($0) }
        replicas.settle()
        return outcome
    }

    /// A new location, of which there is one of each number.
    static func creation(of location: UInt8) -> AnyRegistryRequest {
        .createLocation(CreateLocationRequest(id: LocationID(rawValue: location), name: Array("l\(location)".utf8)))
    }

    static let locations = AnyRegistryRequest.locations(LocationsRequest())

    /// The number of locations that were told of.
    func locationCount(in outcome: Outcome) throws -> Int {
        guard case .success(.locations(let response))?? = outcome.replies.first else {
            throw TestFailure("no locations: \(outcome.replies)")
        }
        return response.locations.count
    }

    /// A disk registers.
    func registerDisk(at process: Int) -> Outcome { registerDisks([7], at: process) }

    /// The disks of a server register.
    func registerDisks(_ numbers: some Sequence<UInt64>, at process: Int) -> Outcome {
        let addresses = AddrsInfo(
            addr1: IpPort(addrs: IPv4Address(rawValue: 0x0A00_0001), port: 1),
            addr2: IpPort(addrs: IPv4Address(rawValue: 0), port: 0))
        let disks = numbers.map { number in
            RegisterBlockServiceInfo(
                id: BlockServiceID(rawValue: number), locationId: .default, addrs: addresses, storageClass: .hdd,
                failureDomain: FailureDomain(name: "a"), secretKey: SecretKey(low: 1, high: 2), flags: [],
                flagsMask: 0, capacityBytes: 1 << 40, availableBytes: 1 << 40, blocks: 0, path: Array("/disk".utf8))
        }
        return ask(
            .registerBlockServices(RegisterBlockServicesRequest(blockServices: disks)), at: process)
    }

    /// What the shards may write to.
    func writable(at process: Int) throws -> [BlockServiceID] {
        let request = AnyRegistryRequest.shardBlockServices(ShardBlockServicesRequest(shardId: ShardID(rawValue: 0)))
        guard case .success(.shardBlockServices(let response))?? = ask(request, at: process).replies.first else {
            throw TestFailure("no block services")
        }
        return response.blockServices.map(\.id)
    }

    // MARK: What must be true

    /// Records what is wrong when nothing is under way.
    func check(sourceLocation: SourceLocation = #_sourceLocation) throws {
        var found: [String] = []
        let contents = try replicas.places.map { try $0.contents() }
        for (number, process) in processes.enumerated() {
            if contents[number] != contents[0] { found.append("replicas 0 and \(number) differ") }
            process.core.checkInvariants { found.append("\($0)") }
            found += process.failures.map { "\($0)" }
        }
        for sentence in found { Issue.record("\(sentence)", sourceLocation: sourceLocation) }
    }
}
