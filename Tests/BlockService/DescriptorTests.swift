import Protocol
import TestSupport
import Testing

/// A service that cannot open anything for a while.
@Suite(.timeLimit(.minutes(2))) struct DescriptorTests {
    @Test func withoutDescriptorsItWaitsForSome() throws {
        let service = try RunningService()
        let (first, second) = (BlockClient.block(1), BlockClient.block(2))
        let data = randomBytes(1 << 20)
        do {
            let client = try service.client()
            _ = try client.write(first, data)
            try service.process.mayOpen(false)
            // The file cannot be made; that is no error of the disk, and the stream stays in step.
            let write = client.writeRequest(second, data)
            for _ in 0..<2 { #expect(try client.error(of: write, data: data) == .internalError) }
        }
        // The system takes the connection, and the service has nothing to take it with.
        let client = try service.client()
        try client.socket.send(try client.bytes(FetchBlockRequest(blockId: first, offset: 0, count: 4096)))
        #expect(try service.process.sleeps(), "it looks for connections all the time")
        try service.process.mayOpen(true)
        #expect(try client.socket.receive(5)[4] == BlocksKind.fetchBlock.rawValue)
        #expect(try client.socket.receive(4096) == Array(data.prefix(4096)))
        _ = try client.write(second, data)
        #expect(try service.client().fetch(second, 0, 1 << 20) == data)
        #expect(service.registry.state.withLock { $0.decommissioned }.isEmpty)
        #expect(service.terminate() == 0)
    }
}
