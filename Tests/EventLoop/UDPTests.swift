import EventLoop
import TestServices
import Testing

@Suite struct UDPTests {
    @Test func echoesBatchesOfManySockets() async throws {
        let received: Int = try await onLoop { loop, finish in
            let servers = try (0..<64).map { _ in try UDPSocket(on: loop, binding: .loopback(port: 0)) }
            for server in servers {
                server.onDatagram = { bytes, sender in
                    server.send(to: sender) { room in
                        room.copyMemory(from: bytes)
                        return bytes.count
                    }
                }
            }
            let client = try UDPSocket(on: loop, binding: .loopback(port: 0))
            var pending = Set<[UInt8]>()
            var received = 0
            client.onDatagram = { bytes, _ in
                #expect(pending.remove(Array(bytes)) != nil)
                received += 1
                if pending.isEmpty { finish(received) }
            }
            // Three times the batch of the loop in one turn.
            for number in 0..<192 {
                let bytes = [UInt8(number), 1] + [UInt8](repeating: UInt8(number), count: number * 7)
                pending.insert(bytes)
                client.send(bytes, to: servers[number % servers.count].localAddress)
            }
        }
        #expect(received == 192)
    }

    @Test func carriesTheLargestDatagramAndRefusesLarger() async throws {
        let sizes: [Int] = try await onLoop { loop, finish in
            let receiver = try UDPSocket(on: loop, binding: .loopback(port: 0))
            let sender = try UDPSocket(on: loop, binding: .loopback(port: 0))
            var sizes: [Int] = []
            receiver.onDatagram = { bytes, _ in
                sizes.append(bytes.count)
                if bytes.count == 1 { finish(sizes) }
            }
            sender.send([UInt8](repeating: 7, count: UDPSocket.maximumDatagramSize), to: receiver.localAddress)
            sender.send(to: receiver.localAddress) { _ in 0 }
            sender.send([1], to: receiver.localAddress)
        }
        #expect(sizes == [8972, 1])
    }

    @Test func survivesAnUnreachablePeer() async throws {
        let arrived: Bool = try await onLoop { loop, finish in
            let gone = try UDPSocket(on: loop, binding: .loopback(port: 0))
            let nobody = gone.localAddress
            gone.close()
            let receiver = try UDPSocket(on: loop, binding: .loopback(port: 0))
            let sender = try UDPSocket(on: loop, binding: .loopback(port: 0))
            receiver.onDatagram = { _, _ in finish(true) }
            sender.send([1], to: nobody)
            loop.timer(afterNanoseconds: 5_000_000) {
                sender.send([2], to: nobody)
                sender.send([3], to: receiver.localAddress)
            }
        }
        #expect(arrived)
    }

    @Test func addressInUseIsAnError() async throws {
        let refused: Bool = try await onLoop { loop, finish in
            let first = try UDPSocket(on: loop, binding: .loopback(port: 0))
            do {
                _ = try UDPSocket(on: loop, binding: first.localAddress)
                finish(false)
            } catch {
                finish(true)
            }
        }
        #expect(refused)
    }
}
