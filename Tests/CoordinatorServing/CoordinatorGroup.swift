import Consensus
import CoordinatorCore
import CoordinatorServing
import Logging
import Metrics
import Protocol
import Simulator
import TestLog
import TestShards
import TestSupport
import Testing

/// A coordinator with three replicas, and real shards in memory, which hear what is asked of them when a test lets it
/// through.
final class CoordinatorGroup {
    /// One replica's process.
    final class Process {
        let pipeline: CoordinatorPipeline
        let counters: Counters
        fileprivate let outside: Outside
        fileprivate(set) var replies: [ClientReply] = []
        /// All that it has asked of shards.
        fileprivate(set) var sends: [ShardSend] = []
        /// What of that no shard has heard yet.
        fileprivate var travelling: [ShardSend] = []
        /// Which of its packets get through to the shards.
        var getsThrough: (ShardSend) -> Bool = { _ in true }
        fileprivate(set) var leaderships = 0
        fileprivate(set) var resignations = 0

        fileprivate init(_ pipeline: CoordinatorPipeline, _ counters: Counters, _ outside: Outside) {
            self.pipeline = pipeline
            self.counters = counters
            self.outside = outside
        }

        var coordinator: Coordinator { pipeline.coordinator }
        /// What the operator was told of, and what would have ended the process.
        var troubles: [String] { outside.troubles.lines }
        var snapshots: [UInt64] { outside.snapshots }

        /// What the client of this request was told, first.
        func reply(to request: UInt64) -> Result<AnyCdcResponse, ProtocolError>? {
            replies.first { $0.origin.requestID == request }?.result
        }
    }

    fileprivate final class Outside {
        let troubles = LoggedTroubles()
        var snapshots: [UInt64] = []
    }

    let replicas: HandDrivenGroup<Coordinator>
    let shards: MemoryShards
    private(set) var processes: [Process] = []
    private var random = SeededGenerator(seed: 1)

    /// - Parameter knowsShards: whether it is known what shards can do, without which no replica leads.
    init(knowsShards: Bool = true) throws {
        let info = try DirectoryInfo.sternaRootDefault()
        shards = try MemoryShards(rootInfo: info)
        replicas = try HandDrivenGroup { store, prefix in
            try Coordinator(store: store, prefix: prefix, options: CoordinatorOptions(defaultInfo: info))
        }
        processes = replicas.places.indices.map(makeProcess)
        replicas.carry = { [unowned self] in carry() }
        for process in processes {
            process.pipeline.begin()
            if knowsShards { process.pipeline.lead(numbersRequests: true) }
        }
    }

    private func makeProcess(_ number: Int) -> Process {
        let place = replicas.places[number]
        let (counters, outside) = (Counters(), Outside())
        let environment = CoordinatorPipeline.Environment(
            monotonic: { [unowned replicas] in replicas.nanoseconds },
            now: { [unowned replicas] in Timestamp(nanoseconds: 1_700_000_000_000_000_000 + replicas.nanoseconds) },
            soon: { place.log.submit($0) },
            later: { [unowned replicas] nanoseconds, body in replicas.later(nanoseconds, at: number, body) },
            firstRequestID: { [unowned self] in random.next() },
            takeSnapshot: { number, done in
                outside.snapshots.append(number)
                done(true)
            },
            fail: { outside.troubles.lines.append("\($0)") }, isOpen: false, metrics: CdcMetrics(counters),
            logger: Logger(label: "coordinator") { _ in outside.troubles })
        let pipeline = CoordinatorPipeline(place.state, log: place.replica, environment)
        let process = Process(pipeline, counters, outside)
        pipeline.onReply = { [unowned process] in process.replies.append($0) }
        pipeline.onShardSend = { [unowned process] in
            process.sends.append($0)
            process.travelling.append($0)
        }
        pipeline.onLeading = { [unowned process] in process.leaderships += 1 }
        pipeline.onSteppingDown = { [unowned process] in process.resignations += 1 }
        return process
    }

    private func carry() -> Bool {
        var isAnyCarried = false
        for process in processes {
            let travelling = process.travelling
            process.travelling = []
            for send in travelling {
                guard process.getsThrough(send) else {
                    process.travelling.append(send)
                    continue
                }
                isAnyCarried = true
                do {
                    let answer = try shards.perform(send.request, at: send.shard, isPrivileged: true)
                    process.pipeline.handle(answer, toRequest: send.requestID)
                } catch {
                    process.outside.troubles.lines.append("shard \(send.shard): \(error)")
                }
            }
        }
        return isAnyCarried
    }

    // MARK: Clients

    /// Sends a client's request to a replica, and lets happen what happens at once.
    func ask(_ request: AnyCdcRequest, _ id: UInt64, at process: Int, isProven: Bool = true) {
        let origin = RequestOrigin(source: 7 << 16, requestID: id)
        processes[process].pipeline.handle(request, from: origin, isProven: isProven)
        replicas.settle()
    }

    /// Makes a directory through this replica, which leads.
    func make(_ name: String, _ id: UInt64, at process: Int) throws -> MakeDirectoryResponse {
        ask(Self.making(name), id, at: process)
        replicas.pass(milliseconds: 100)
        guard case .success(.makeDirectory(let made))? = processes[process].reply(to: id) else {
            throw TestFailure("\(name) was not made: \(String(describing: processes[process].reply(to: id)))")
        }
        return made
    }

    static func making(_ name: String) -> AnyCdcRequest {
        .makeDirectory(MakeDirectoryRequest(ownerId: .root, name: Array(name.utf8)))
    }

    /// What a name in the root points to.
    func lookup(_ name: String) throws -> InodeID {
        let request = AnyShardRequest.lookup(LookupRequest(dirId: .root, name: Array(name.utf8)))
        guard case .success(.lookup(let response)) = try shards.perform(request, at: InodeID.root.shard) else {
            throw TestFailure("there is no \(name)")
        }
        return response.targetId
    }

    // MARK: What must be true

    /// Records what is wrong when nothing is under way, with the namespace or with a replica, and what anybody complained
    /// about.
    func check(sourceLocation: SourceLocation = #_sourceLocation) throws {
        var found: [String] = []
        let contents = try replicas.places.map { try $0.contents() }
        for (number, process) in processes.enumerated() {
            if contents[number] != contents[0] { found.append("replicas 0 and \(number) differ") }
            if !process.coordinator.isIdle { found.append("replica \(number) is at work") }
            found += ClusterCheck.violations(Array(shards.cores.values), process.coordinator)
            found += process.troubles
        }
        for sentence in found { Issue.record("\(sentence)", sourceLocation: sourceLocation) }
    }
}
