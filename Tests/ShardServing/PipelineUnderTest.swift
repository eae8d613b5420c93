import Consensus
import EventLoop
import Logging
import Metrics
import Protocol
import Replicas
import ReplicatedLog
import ShardCore
import ShardServing
import Store
import TestLog

/// A shard's pipeline on a real log, whose loop and writer do what the test says, when it says so.
final class PipelineUnderTest {
    struct Answer {
        let reply: ShardReply
        let source: RequestSource
    }

    let pipeline: ShardPipeline
    let entries: Replica
    let log: HandDrivenLog
    let counters: ShardCounters
    private let outside = Outside()
    private(set) var answers: [Answer] = []
    private(set) var isInitialised = false

    /// What the pipeline sees of its process.
    private final class Outside {
        var now: Timestamp? = Timestamp(nanoseconds: 1_700_000_000_000_000_000)
        var later: [() -> Void] = []
        var failures: [any Error] = []
        var snapshots: [(number: UInt64, done: (Bool) -> Void)] = []
    }

    /// - Parameter isRunning: whether the shard has begun.
    init(settings: Settings = Settings(), isOpen: Bool = true, isRunning: Bool = true) throws {
        log = try HandDrivenLog()
        let shard = InodeID.root.shard
        counters = ShardCounters(Counters())
        let core = try ShardCore(store: MemoryStore(), shard: shard)
        entries = log.lane.found(LogGroupID(shard), core, settings: settings)
        let environment = ShardPipeline.Environment(
            now: { [outside] in outside.now }, later: { [outside] _, body in outside.later.append(body) },
            makeGenesis: {
                ShardGenesis(cookieKey: SecretKey(low: 1, high: 2), rootInfo: try .sternaRootDefault())
            },
            takeSnapshot: { [outside] number, done in outside.snapshots.append((number, done)) },
            blockServicesAreMissing: {}, fail: { [outside] in outside.failures.append($0) }, isOpen: isOpen,
            counters: counters, logger: Logger(label: "shard") { _ in SwiftLogNoOpLogHandler() })
        pipeline = ShardPipeline(core, log: entries, settings: settings, environment)
        pipeline.onAnswer = { [unowned self] reply, source, _ in
            answers.append(Answer(reply: reply, source: source))
        }
        pipeline.onLeading = { [unowned self] in isInitialised = true }
        guard isRunning else { return }
        pipeline.begin()
        log.settle()
    }

    /// Nil: the clock is not to be believed.
    var now: Timestamp? {
        get { outside.now }
        set { outside.now = newValue }
    }

    var failures: [any Error] { outside.failures }

    /// Snapshots that were asked for and are not done.
    var snapshots: [(number: UInt64, done: (Bool) -> Void)] { outside.snapshots }

    /// What does not fit together.
    var contradictions: [String] {
        var found: [String] = []
        pipeline.checkInvariants { found.append($0) }
        return found
    }

    /// Lets pass the time that the pipeline waits for.
    func wait() {
        let due = outside.later
        outside.later = []
        for body in due { body() }
    }

    /// A write, as the host of this number asks for it: a file that is begun.
    func write(_ requestID: UInt64, from host: UInt32 = 1, signer: UInt8? = nil) throws {
        let request = ConstructFileRequest(type: .file, note: Array("test".utf8))
        try pipeline.handle(.constructFile(request), from: source(requestID, host, signer: signer))
    }

    func source(_ requestID: UInt64, _ host: UInt32 = 1, socket: UInt16 = 0, signer: UInt8? = nil) -> RequestSource {
        RequestSource(
            ClientWay(of: SocketAddress(address: host, port: 7), socket: socket), requestID: requestID, signer: signer)
    }
}
