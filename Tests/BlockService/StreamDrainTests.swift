import Foundation
import Glibc
import TestSupport
import Testing
import sterna_block

/// What a peer sends in vain keeps the loop only so long.
@Suite(.timeLimit(.minutes(1))) struct StreamDrainTests {
    private let sender: TestSocket
    /// Non-blocking.
    private let receiver: TestSocket

    init() throws {
        let (listener, port) = try TestSocket.listening()
        sender = try TestSocket.connected(port: port)
        receiver = try #require(listener.accepted())
        try #require(fcntl(receiver.descriptor, F_SETFL, O_NONBLOCK) == 0)
    }

    /// Drains until `count` bytes have gone or the peer has ended; what each turn did.
    private func drain(_ count: Int, limit: Int) -> [StreamDrain.Drained] {
        var turns: [StreamDrain.Drained] = []
        var left = count
        while left > 0, turns.last?.isEnded != true {
            var poll = pollfd(fd: receiver.descriptor, events: Int16(POLLIN), revents: 0)
            guard Glibc.poll(&poll, 1, 10_000) == 1 else { return turns }
            turns.append(StreamDrain.drain(receiver.descriptor, atMost: min(limit, left)))
            left -= turns.last?.count ?? 0
        }
        return turns
    }

    @Test func asMuchAsIsWantedAndNoMore() throws {
        try sender.send([UInt8](repeating: 7, count: 1000) + [42])
        let turns = drain(1000, limit: 300)
        #expect(turns.allSatisfy { $0.count <= 300 && !$0.isEnded } && turns.reduce(0) { $0 + $1.count } == 1000)
        #expect(try receiver.receive(1) == [42])
        let nothing = StreamDrain.drain(receiver.descriptor, atMost: 5)
        #expect(nothing.count == 0 && !nothing.isEnded)
    }

    @Test func aFastSenderIsDroppedInTurns() throws {
        let total = 256 << 20
        let sender = sender
        let thread = Thread {
            let piece = [UInt8](repeating: 1, count: 1 << 20)
            for _ in 0..<total / piece.count { try? sender.send(piece) }
            sender.finishSending()
        }
        thread.start()
        let turns = drain(total + 1, limit: .max)
        #expect(turns.allSatisfy { $0.count <= StreamDrain.turnLimit })
        #expect(turns.reduce(0) { $0 + $1.count } == total && turns.last?.isEnded == true)
    }
}
