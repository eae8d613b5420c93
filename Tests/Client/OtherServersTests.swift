import Client
import EventLoop
import Glibc
import Protocol
import TestSupport
import Testing

/// Block servers that know the base protocol only and close the connection after every error.
@Suite(.timeLimit(.minutes(2))) struct OtherServersTests {
    typealias Files = FileRoundTripTests

    /// Nothing is held to be slow, however busy the machine is.
    static let patient: ClientOptions = {
        var options = FakeCluster.testOptions
        options.leastHedgeNanoseconds = 30_000_000_000
        return options
    }()

    private struct Outcome: Sendable {
        var isRight = true
        var timesAskedForSums = 0
        var doubted: [Int] = []
    }

    /// Reads parts of a file, many at once, while two of the six block services of its spans are stopped.
    private static func read(seed: UInt64) async throws -> Outcome {
        let bytes = Files.content(3_300_000, seed: seed)
        return try await FakeCluster.run(options: patient) { cluster in
            cluster.blocks.closesAfterErrors = true
            cluster.blocks.knowsPageSums = false
            let id = try await Files.write(bytes, cluster)
            var generator = SeededGenerator(seed: seed)
            let stopped = Array(Array(0..<6).shuffled(using: &generator).prefix(2))
            for index in stopped { cluster.blocks.behaviours[index] = .hangsUp }
            let offsets = (0..<24).map { _ in Int.random(in: 0..<3_290_000, using: &generator) }
            let reader = try await cluster.client.open(id)
            let tasks = offsets.map { offset in
                cluster.loop.task { () async -> [UInt8]? in
                    try? await reader.read(at: UInt64(offset), count: 9000).bytes
                }
            }
            var outcome = Outcome()
            for (offset, task) in zip(offsets, tasks) {
                if await task.value != Array(bytes[offset..<offset + 9000]) { outcome.isRight = false }
            }
            outcome.timesAskedForSums = cluster.blocks.sumsFetched
            outcome.doubted = (0..<6).filter { index in
                !stopped.contains(index) && cluster.client.core.health.isDoubtful(FakeBlockServices.id(index))
            }
            return outcome
        }
    }

    @Test(arguments: 1...12) func readsGoWellWithPServicesStopped(seed: UInt64) async throws {
        let outcome = try await Self.read(seed: seed)
        #expect(outcome.isRight)
        #expect(outcome.timesAskedForSums <= 4, "each service is asked once for what it does not know")
        #expect(outcome.doubted == [], "no service is blamed for what was queued behind an error")
    }

    /// Half of the erasures are refused, and the server closes each time.
    @Test(arguments: [true, false]) func erasuresBehindARefusalAreCarriedOut(_ closes: Bool) async throws {
        let (erased, refused, broken) = try await FakeCluster.run(options: Self.patient) { cluster in
            cluster.blocks.closesAfterErrors = closes
            let blocks = (1...200).map { BlockID(rawValue: $0) }
            cluster.blocks.tooRecent = Set(blocks.filter { $0.rawValue % 2 == 0 })
            var (erased, refused, broken) = (0, 0, [ClientError]())
            for result in await Self.erase(blocks, cluster) {
                switch result {
                case .success: erased += 1
                case .failure(let error) where error.isRefusal(.blockTooRecentForDeletion): refused += 1
                case .failure(let error): broken.append(error)
                }
            }
            return (erased, refused, broken)
        }
        #expect(erased == 100 && refused == 100)
        #expect(broken == [])
    }

    private static func erase(_ blocks: [BlockID], _ cluster: FakeCluster) async -> [Result<MAC?, ClientError>] {
        let service = BlockService(addrs: cluster.blocks.address, id: FakeBlockServices.id(0), flags: [])
        return await withCheckedContinuation { continuation in
            var results: [Result<MAC?, ClientError>] = []
            for block in blocks {
                let request = EraseBlockRequest(blockId: block, certificate: MAC(rawValue: 0))
                let operation = BlockOperation(request, service, answer: .proof) { result in
                    results.append(result)
                    if results.count == blocks.count { continuation.resume(returning: results) }
                }
                cluster.client.core.blocks.submit(operation, purpose: .erase)
            }
        }
    }

    /// A disk that answers nothing, while one request after the other is sent to it.
    @Test func furtherRequestsAreNoProgress() async throws {
        var options = Self.patient
        options.blockStallNanoseconds = 500_000_000
        let error = try await FakeCluster.run(options: options) { cluster in
            cluster.blocks.behaviours = [0: .stalls]
            let service = BlockService(addrs: cluster.blocks.address, id: FakeBlockServices.id(0), flags: [])
            return await withCheckedContinuation { (continuation: CheckedContinuation<ClientError?, Never>) in
                var isEnded = false
                var sent: UInt64 = 0
                func send() {
                    sent += 1
                    let request = CheckBlockRequest(blockId: BlockID(rawValue: sent), size: 4096, crc: .zero)
                    let operation = BlockOperation(request, service, answer: .none) { result in
                        guard !isEnded else { return }
                        isEnded = true
                        if case .failure(let error) = result { return continuation.resume(returning: error) }
                        continuation.resume(returning: nil)
                    }
                    cluster.client.core.blocks.submit(operation, purpose: .check)
                    // Ten times as many as one period without progress has room for.
                    guard !isEnded, sent < 200 else { return }
                    cluster.loop.timer(afterNanoseconds: 50_000_000) { send() }
                }
                send()
                // So that the test ends either way.
                cluster.loop.timer(afterNanoseconds: 9_000_000_000) {
                    guard !isEnded else { return }
                    isEnded = true
                    continuation.resume(returning: nil)
                }
            }
        }
        #expect(error?.cause == .blockTransfer)
    }

    static let disks: [FakeBlockServices.Behaviour] = [
        .stalls, .hangsUp, .refusesFetches(.timeout), .refusesFetches(.blockIoErrorDevice),
        .refusesFetches(.internalError), .lostEverything,
    ]

    /// What a program is told of data that cannot be read: that, and not that there is no space or nobody to ask.
    @Test(arguments: disks) func whatCannotBeReadIsAnInputError(_ behaviour: FakeBlockServices.Behaviour) async throws {
        var options = FakeCluster.testOptions
        options.blockStallNanoseconds = 500_000_000
        let code = try await FakeCluster.run(options: options) { cluster in
            let id = try await Files.write(Files.content(700_000), cluster)
            for index in 0..<3 { cluster.blocks.behaviours[index] = behaviour }
            do {
                _ = try await Files.readAll(id, cluster)
                return Int32(0)
            } catch let error as ClientError {
                return error.errno
            }
        }
        #expect(code == EIO || code == ETIMEDOUT)
    }
}
