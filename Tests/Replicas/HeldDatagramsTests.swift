import Consensus
import EventLoop
import Replicas
import Testing

@Suite struct HeldDatagramsTests {
    private func way(_ number: Int) -> ClientWay {
        ClientWay(of: SocketAddress(address: 1, port: 7), socket: UInt16(number))
    }

    private func take(_ held: inout HeldDatagrams, at milliseconds: UInt64) -> [Int] {
        held.take(at: BootInstant(nanoseconds: milliseconds * 1_000_000)).map { Int($0.way.socket) }
    }

    private func hold(_ held: inout HeldDatagrams, _ way: Int, at milliseconds: UInt64) {
        [UInt8(truncatingIfNeeded: way)].withUnsafeBytes {
            held.hold($0, self.way(way), since: BootInstant(nanoseconds: milliseconds * 1_000_000))
        }
    }

    @Test func whatWaitsGoesOnOnceInItsOrder() {
        var held = HeldDatagrams()
        for way in 1...3 { hold(&held, way, at: 10) }
        #expect(take(&held, at: 900) == [1, 2, 3])
        #expect(take(&held, at: 901) == [])
    }

    @Test func whatHasWaitedForTooLongIsForgotten() {
        var held = HeldDatagrams()
        hold(&held, 1, at: 10)
        hold(&held, 2, at: 500)
        #expect(take(&held, at: 1200) == [2])
    }

    @Test func ofTooManyTheOldestGo() {
        var held = HeldDatagrams()
        for way in 0..<1000 { hold(&held, way, at: 10) }
        let taken = take(&held, at: 11)
        #expect(taken.count == 64 && taken.last == 999)
        let large = [UInt8](repeating: 1, count: 8972)
        for way in 0..<50 { large.withUnsafeBytes { held.hold($0, self.way(way), since: .zero) } }
        #expect(take(&held, at: 1) == Array(43..<50))
    }
}
