import Foundation
import Glibc
import Testing
import sterna_block

/// What a peer sends in vain keeps the loop only so long.
@Suite(.timeLimit(.minutes(1))) struct StreamDrainTests {
    private let sender: TestSocket
    /// Non-blocking.
    private let receiver: TestSocket

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        var address = TestSocket.address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> Int32 in
                guard bind(listener, pointer, length) == 0, listen(listener, 1) == 0 else { return -1 }
                return getsockname(listener, pointer, &length)
            }
        }
        try #require(result == 0)
        sender = try TestSocket.connected(port: address.sin_port.bigEndian)
        let accepted = accept(listener, nil, nil)
        try #require(accepted >= 0 && fcntl(accepted, F_SETFL, O_NONBLOCK) == 0)
        receiver = TestSocket(owning: accepted)
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
