import Glibc
import Protocol
import TestSupport
import Testing

/// Clients that break off, leave, are silent, slow or make no sense.
@Suite(.timeLimit(.minutes(2))) struct ConnectionTests {
    @Test func brokenOffWritesLeaveNothing() throws {
        let service = try RunningService()
        for cut in [0, 10, 5000, 700_000] {
            let client = try service.client()
            let data = randomBytes(1 << 20)
            let request = client.writeRequest(BlockClient.block(), data)
            try client.socket.send(try client.bytes(request) + data.prefix(cut))
            client.socket.finishSending()
            #expect(client.socket.isClosedByPeer())
        }
        #expect(happens { service.files.isEmpty })
    }

    @Test func readersWhoLeaveTakeTheirConnectionsWithThem() throws {
        let service = try RunningService()
        let (client, block) = (try service.client(), BlockClient.block())
        _ = try client.write(block, randomBytes(3 << 20))
        // What was fetched stays open, for whoever fetches it next (`RecentFiles`).
        _ = try client.fetch(block, 0, 4096)
        let before = service.process.socketCount()
        let fetch = FetchBlockWithCrcRequest(
            fileId: InodeID(rawValue: 0), blockId: block, blockCrc: .zero, offset: 0, count: 3 << 20)
        Glibc.kill(service.process.identifier, SIGSTOP)
        for _ in 0..<8 {
            // The request is there, and nobody any more who takes the answer.
            let reader = try service.client()
            try reader.socket.send(try reader.bytes(fetch))
        }
        Glibc.kill(service.process.identifier, SIGCONT)
        // By now all of them were accepted before this one.
        #expect(try service.client().fetch(block, 0, 4096).count == 4096)
        #expect(happens { service.process.socketCount() <= before })
        #expect(service.terminate() == 0)
    }

    @Test func idleConnectionsKeepNobodyOut() throws {
        let service = try RunningService(["--max-connections", "8"])
        let served = try service.client()
        _ = try served.write(BlockClient.block(1), randomBytes(8192))
        let idle = try (0..<100).map { _ in try service.client() }
        let data = randomBytes(8192)
        let writer = try service.client()
        let block = BlockClient.block(2)
        _ = try writer.write(block, data)
        #expect(try service.client().fetch(block, 0, 8192) == data)
        #expect(idle[0].socket.isClosedByPeer(), "the oldest that never asked for anything")
        // Who asked for something stays as long as there are others.
        _ = try served.write(BlockClient.block(3), data)
    }

    @Test func headersHaveToComeSoon() throws {
        let service = try RunningService(["--request-timeout", "1"])
        let (silent, slow, served) = (try service.client(), try service.client(), try service.client())
        _ = try served.write(BlockClient.block(1), randomBytes(4096))
        try slow.socket.send(try BlockClient.header(slow.service.id, 3).prefix(5))
        #expect(silent.socket.isClosedByPeer())
        #expect(slow.socket.isClosedByPeer())
        _ = try served.write(BlockClient.block(2), randomBytes(4096))
        // The same between two requests: once the next has begun.
        try served.socket.send(try BlockClient.header(served.service.id, 3).prefix(5))
        #expect(served.socket.isClosedByPeer())
    }

    /// A byte now and then is not enough: without an end of its own such a request would hold its connection, its file
    /// and a place at its disk for as long as its sender likes.
    @Test func blocksHaveToComeInSomeTime() throws {
        let service = try RunningService(["--request-timeout", "1", "--least-write-rate", "\(16 << 20)"])
        let (block, data) = (BlockClient.block(1), randomBytes(32 << 20))
        let client = try service.client()
        try client.socket.send(try client.bytes(client.writeRequest(block, data)))
        // 2 MB/s, which is never still for long: it would take 16 seconds, and may take 3.
        let piece = 400 << 10
        #expect(throws: (any Error).self) {
            for start in stride(from: 0, to: data.count, by: piece) {
                try client.socket.send(data[start..<min(start + piece, data.count)])
                usleep(200_000)
            }
            _ = try client.response(to: client.writeRequest(block, data))
        }
        // The service removes what has come in after it has hung up.
        for _ in 0..<500 where !service.files.isEmpty { usleep(10_000) }
        #expect(service.files.isEmpty)
        // Who is as slow only because there is nothing more to send is well.
        let (small, idle) = (randomBytes(4096), try service.client())
        _ = try idle.write(BlockClient.block(2), small)
        #expect(try idle.fetch(BlockClient.block(2), 0, 4096) == small)
    }

    /// The same for what nobody wants, which is read only to stay in step.
    @Test func whatIsRefusedHasToComeInSomeTime() throws {
        let service = try RunningService(["--request-timeout", "1", "--least-write-rate", "\(16 << 20)"])
        let client = try service.client()
        var request = client.writeRequest(BlockClient.block(), [])
        request.size = 32 << 20
        request.certificate = MAC(rawValue: 1)
        try client.socket.send(try client.bytes(request))
        // As slow as the one that is wanted, above.
        let piece = [UInt8](repeating: 0, count: 400 << 10)
        #expect(throws: (any Error).self) {
            for _ in 0..<Int(request.size) / piece.count {
                try client.socket.send(piece)
                usleep(200_000)
            }
        }
    }

    /// After the last answer: somebody who goes on sending, and somebody who does nothing.
    @Test func whoDoesNotLeaveIsLeft() throws {
        let service = try RunningService()
        let before = service.process.socketCount()
        let (talkative, silent) = (try service.client(), try service.client())
        for client in [talkative, silent] {
            try client.socket.send([UInt8](repeating: 0xff, count: 13))
            #expect(try client.error() == .malformedRequest)
        }
        #expect(happens { (try? talkative.socket.send([1])) == nil })
        #expect(happens { service.process.socketCount() <= before })
    }

    @Test func garbageHarmsNobodyElse() throws {
        let service = try RunningService()
        let good = try service.client()
        let (block, data) = (BlockClient.block(), randomBytes(8192))
        _ = try good.write(block, data)
        for round in 0..<200 {
            let bad = try service.client()
            var bytes = randomBytes(Int.random(in: 0...200))
            if round % 2 == 0 {
                bytes = try BlockClient.header(bad.service.id, UInt8.random(in: 0...8)) + bytes
            }
            try? bad.socket.send(bytes)
            if round % 3 == 0 { bad.socket.finishSending() }
        }
        let malformed = try service.client()
        try malformed.socket.send([UInt8](repeating: 0xff, count: 13))
        #expect(try malformed.error() == .malformedRequest)
        #expect(malformed.socket.isClosedByPeer())
        #expect(try good.fetch(block, 0, 8192) == data)
        #expect(service.process.isRunning)
    }
}
