import Client
import Erasure
import EventLoop
import Protocol
import Testing

/// An answer that comes in pieces, and a small one after it on the same connection: nobody waits for bytes that do not
/// come.
@Suite(.timeLimit(.minutes(1))) struct ReceiveMarkTests {
    private static let largeBytes = 1 << 20

    /// Header and pages of zeros with their checksums.
    private static func answer(_ bytes: Int) -> [UInt8] {
        let page = [UInt8](repeating: 0, count: ClientLimits.pageBytes)
        let sum = page.withUnsafeBytes { Castagnoli.sum($0.baseAddress!, page.count) }
        let stored = page + (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }
        let header = (0..<4).map { UInt8(truncatingIfNeeded: ProtocolWord.blocksResponse.rawValue >> (8 * $0)) }
        let kind = FetchBlockWithCrcRequest.kind.rawValue
        return header + [kind] + Array(repeatElement(stored, count: bytes / page.count).joined())
    }

    /// Answers the first request in pieces and then the second; both lie in one stream.
    /// - Parameter pipelined: the second request comes with the first one.
    private static func serve(_ connection: TCPConnection, on loop: EventLoop, pipelined: Bool) {
        let stream = answer(largeBytes) + answer(ClientLimits.pageBytes)
        let largeEnd = answer(largeBytes).count
        // The last but one ends within the large answer, for less than the mark was.
        let ends = [70_000, 400_000, largeEnd - 30_000, pipelined ? stream.count : largeEnd]
        var sent = 0
        func send(to end: Int) {
            connection.write(Array(stream[sent..<end]))
            sent = end
        }
        func step(_ number: Int) {
            guard number < ends.count else { return }
            send(to: ends[number])
            loop.timer(afterNanoseconds: 20_000_000) { step(number + 1) }
        }
        connection.onData = { _ in
            if sent == 0 { step(0) } else if sent == largeEnd { send(to: stream.count) }
        }
        connection.onEnd = { _ in connection.close() }
        connection.resumeReading()
    }

    private static func fetch(_ bytes: Int, _ service: BlockService, _ cluster: FakeCluster) async -> Bool {
        guard let memory = cluster.client.core.pool.take(bytes) else { return false }
        let request = FetchBlockWithCrcRequest(
            fileId: .null, blockId: BlockID(rawValue: 5), blockCrc: .zero, offset: 0, count: UInt32(bytes))
        let result: Result<MAC?, ClientError> = await withCheckedContinuation { continuation in
            let operation = BlockOperation(
                request, service, answer: .pages(destination: memory.base, bytes: bytes)
            ) { result in withExtendedLifetime(memory) { continuation.resume(returning: result) } }
            // Of these there is only one connection.
            cluster.client.core.blocks.submit(operation, purpose: .check)
        }
        if case .success = result { return true }
        return false
    }

    @Test(arguments: [false, true]) func aSmallAnswerAfterALargeOne(pipelined: Bool) async throws {
        let (isRight, connections) = try await FakeCluster.run { cluster in
            var connections = 0
            let listener = try TCPListener(on: cluster.loop, binding: .loopback(port: 0)) { connection in
                connections += 1
                Self.serve(connection, on: cluster.loop, pipelined: pipelined)
            }
            defer { listener.close() }
            let service = BlockService(
                addrs: FakeShards.addresses(listener.localAddress), id: BlockServiceID(rawValue: 1), flags: [])
            guard pipelined else {
                let first = await Self.fetch(Self.largeBytes, service, cluster)
                return (await Self.fetch(ClientLimits.pageBytes, service, cluster) && first, connections)
            }
            async let first = Self.fetch(Self.largeBytes, service, cluster)
            async let second = Self.fetch(ClientLimits.pageBytes, service, cluster)
            let both = await [first, second]
            return (both == [true, true], connections)
        }
        // A connection that hangs is given up in the end, and another one made.
        #expect(isRight && connections == 1)
    }
}
