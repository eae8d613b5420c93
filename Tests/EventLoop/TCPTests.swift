import EventLoop
import Glibc
import TestServices
import Testing

@Suite struct TCPTests {
    @Test func echoesInOrderThroughBackPressure() async throws {
        let total = 8 << 20
        let sum: (count: Int, intact: Bool) = try await onLoop { loop, finish in
            let listener = try TCPListener(on: loop, binding: .loopback(port: 0)) { connection in
                connection.onData = { bytes in
                    connection.write(copying: bytes)
                    if connection.unsentBytes > 1 << 20 {
                        connection.pauseReading()
                        loop.timer(afterNanoseconds: 1_000_000) { connection.resumeReading() }
                    }
                }
                connection.onEnd = { _ in connection.closeAfterWriting() }
                connection.resumeReading()
            }
            TCPConnection.connect(to: listener.localAddress, on: loop) { result in
                guard case .success(let connection) = result else { return finish((-1, false)) }
                var count = 0
                var intact = true
                connection.onData = { bytes in
                    for byte in bytes {
                        if byte != pattern(count) { intact = false }
                        count += 1
                    }
                }
                connection.onEnd = { _ in
                    connection.close()
                    finish((count, intact))
                }
                connection.resumeReading()
                let memory = RawMemory(byteCount: total)
                for index in 0..<total { memory.bytes[index] = pattern(index) }
                connection.write(UnsafeRawBufferPointer(memory.bytes)) { error in
                    #expect(error == nil)
                    _ = memory
                }
                connection.finishWriting()
            }
        }
        #expect(sum.count == total)
        #expect(sum.intact)
    }

    /// Where the system paces connections, those within the machine are not; the others stay as they are.
    @Test(arguments: [SocketAddress.loopback(port: 1), SocketAddress(address: 0xc000_0201, port: 1)])
    func connectionsWithinTheMachineAreNotPaced(_ peer: SocketAddress) throws {
        let isWithin = peer == .loopback(port: 1)
        let (connecting, listening) = (try tcpSocket(), try tcpSocket())
        defer { [connecting, listening].forEach { close($0) } }
        // Where the machine has it.
        for descriptor in [connecting, listening] { CongestionControl("bbr").use(on: descriptor) }
        let system = try #require(CongestionControl(of: connecting))
        let within = system.isPaced ? CongestionControl.unpaced : system
        TCPTuning.beforeConnecting(connecting, to: peer)
        #expect(CongestionControl(of: connecting) == (isWithin ? within : system))

        let known = TCPTuning.beforeListening(listening)
        #expect(known == (system.isPaced ? system : nil))
        #expect(CongestionControl(of: listening) == within)
        // As if it had been accepted: that is what it gets from the listening one.
        TCPTuning.afterAccepting(listening, from: peer, system: known)
        #expect(CongestionControl(of: listening) == (isWithin ? within : system))
    }

    /// It has to be so from the beginning: what BBR has begun stays paced.
    @Test func acceptedConnectionsAreNotPaced() async throws {
        let found: CongestionControl? = try await onLoop { loop, finish in
            let listener = try TCPListener(on: loop, binding: .loopback(port: 0), onDescriptor: { descriptor, _ in
                finish(CongestionControl(of: descriptor))
                close(descriptor)
            })
            TCPConnection.connect(to: listener.localAddress, on: loop) { result in
                if case .failure = result { finish(nil) }
            }
        }
        #expect(found?.isPaced == false)
    }

    private func tcpSocket() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        return descriptor
    }

    @Test func fillsTheCallersBuffer() async throws {
        let text: [UInt8] = try await onLoop { loop, finish in
            let listener = try TCPListener(on: loop, binding: .loopback(port: 0)) { connection in
                let memory = RawMemory(byteCount: 6)
                var header: [UInt8] = []
                connection.onData = { bytes in
                    header += bytes
                    guard header.count >= 2 else { return }
                    // What came with the header belongs to the payload.
                    let early = header.dropFirst(2)
                    for (index, byte) in early.enumerated() { memory.bytes[index] = byte }
                    let rest = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[early.count..<6])
                    connection.receive(into: rest) { finish(Array(memory.bytes.prefix(6))) }
                }
                connection.resumeReading()
            }
            TCPConnection.connect(to: listener.localAddress, on: loop) { result in
                guard case .success(let connection) = result else { return finish([]) }
                connection.write([0, 0, 1, 2])
                loop.timer(afterNanoseconds: 5_000_000) { connection.write([3, 4, 5, 6]) }
            }
        }
        #expect(text == [1, 2, 3, 4, 5, 6])
    }

    @Test func sendsFiles() async throws {
        let received: [UInt8] = try await onLoop { loop, finish in
            var path = Array("/tmp/sterna-sendfile-XXXXXX".utf8CString)
            let file = mkstemp(&path)
            unlink(path)
            let content = (0..<300_000).map { pattern($0) }
            #expect(write(file, content, content.count) == content.count)
            let listener = try TCPListener(on: loop, binding: .loopback(port: 0)) { connection in
                connection.write([9])
                connection.sendFile(file, offset: 1000, count: 200_000) { error in
                    #expect(error == nil)
                    close(file)
                }
                connection.write([8])
                connection.closeAfterWriting()
            }
            TCPConnection.connect(to: listener.localAddress, on: loop) { result in
                guard case .success(let connection) = result else { return finish([]) }
                var all: [UInt8] = []
                connection.onData = { all += $0 }
                connection.onEnd = { _ in finish(all) }
                connection.resumeReading()
            }
        }
        #expect(received == [9] + (1000..<201_000).map { pattern($0) } + [8])
    }

    @Test func noticesAResetWhilePaused() async throws {
        let outcome: String = try await onLoop { loop, finish in
            let listener = try TCPListener(on: loop, binding: .loopback(port: 0)) { connection in
                // Paused, never resumed; the peer resets.
                connection.onEnd = { end in
                    if case .failed(let error) = end { finish(SystemError.message(forCode: error.code)) }
                }
            }
            TCPConnection.connect(to: listener.localAddress, on: loop) { result in
                guard case .success(let connection) = result else { return finish("no connection") }
                connection.abort()
            }
        }
        #expect(outcome == SystemError.message(forCode: ECONNRESET))
    }

    @Test func refusedAndTimedOutConnections() async throws {
        let code: Int32 = try await onLoop { loop, finish in
            let listener = try TCPListener(on: loop, binding: .loopback(port: 0)) { _ in }
            listener.close()
            TCPConnection.connect(to: listener.localAddress, on: loop) { result in
                if case .failure(let error) = result { finish(error.code) } else { finish(0) }
            }
        }
        #expect(code == ECONNREFUSED)
    }

    @Test func completionsOfUnsentBytesFailAtClose() async throws {
        let code: Int32? = try await onLoop { loop, finish in
            let listener = try TCPListener(on: loop, binding: .loopback(port: 0)) { _ in }
            TCPConnection.connect(to: listener.localAddress, on: loop) { result in
                guard case .success(let connection) = result else { return finish(nil) }
                let memory = RawMemory(byteCount: 64 << 20)
                connection.write(UnsafeRawBufferPointer(memory.bytes)) { error in
                    _ = memory
                    finish(error?.code)
                }
                loop.timer(afterNanoseconds: 5_000_000) { connection.close() }
            }
        }
        #expect(code == ECANCELED)
    }

    /// Two at a time.
    private final class Pair: ConnectionAdmission {
        var open: [TCPConnection] = []
        var hasRoom: Bool { open.count < 2 }

        func admit(_ peer: SocketAddress) -> Bool { true }

        func freeDescriptor() -> Bool { false }
    }

    @Test func listenerHoldsBackWhileThereIsNoRoom() async throws {
        let most: Int = try await onLoop { loop, finish in
            let pair = Pair()
            var most = 0
            var served = 0
            let listener = try TCPListener(on: loop, binding: .loopback(port: 0), admission: pair) { connection in
                pair.open.append(connection)
                most = max(most, pair.open.count)
                loop.timer(afterNanoseconds: 2_000_000) {
                    pair.open.removeAll { $0 === connection }
                    connection.close()
                    served += 1
                    if served == 10 { finish(most) }
                }
            }
            for _ in 0..<10 { TCPConnection.connect(to: listener.localAddress, on: loop) { _ in } }
        }
        #expect(most == 2)
    }
}

private func pattern(_ index: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: index &* 31 &+ index >> 8)
}
