import Client
import EventLoop
import Protocol
import Testing

/// Which of two addresses a service is asked at.
@Suite struct ServiceWaysTests {
    private let both = AddrsInfo(
        addr1: IpPort(addrs: IPv4Address(rawValue: 1), port: 10),
        addr2: IpPort(addrs: IPv4Address(rawValue: 2), port: 20))

    private func port(_ ways: ServiceWays<Int>, _ attempt: Int, _ service: Int = 7) -> UInt16? {
        ways.address(of: service, at: both, attempt: attempt)?.port
    }

    @Test func repetitionsTakeTheOtherWay() {
        let ways = ServiceWays<Int>()
        #expect((0..<4).map { port(ways, $0) } == [10, 20, 10, 20])
    }

    @Test func theWayThatWasAnsweredIsKept() {
        var ways = ServiceWays<Int>()
        ways.answered(7, at: both, from: SocketAddress(both.addr2))
        #expect((0..<3).map { port(ways, $0) } == [20, 10, 20])
        #expect(port(ways, 0, 8) == 10)
        ways.answered(7, at: both, from: SocketAddress(address: 9, port: 9))
        #expect(port(ways, 0) == 20)
        ways.answered(7, at: both, from: SocketAddress(both.addr1))
        #expect(port(ways, 0) == 10)
    }

    @Test func whoMovesIsAskedAtItsFirstAddress() {
        var ways = ServiceWays<Int>()
        ways.answered(7, at: both, from: SocketAddress(both.addr2))
        ways.moved(7)
        #expect(port(ways, 0) == 10)
    }

    @Test func oneAddressIsAskedAlways() {
        let one = AddrsInfo(addr1: both.addr1, addr2: IpPort(addrs: .any, port: 0))
        let ways = ServiceWays<Int>()
        #expect((0..<3).map { ways.address(of: 7, at: one, attempt: $0)?.port } == [10, 10, 10])
        let none = AddrsInfo(addr1: one.addr2, addr2: one.addr2)
        #expect(ways.address(of: 7, at: none, attempt: 0) == nil)
    }
}
