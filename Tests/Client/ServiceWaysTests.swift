import Client
import EventLoop
import Protocol
import Testing

/// Which of two addresses a service is asked at.
@Suite struct ServiceWaysTests {
    private let both = AddrsInfo(
        addr1: IpPort(addrs: IPv4Address(rawValue: 1), port: 10),
        addr2: IpPort(addrs: IPv4Address(rawValue: 2), port: 20))

    private func ports(_ ways: ServiceWays<Int>, _ service: Int = 7) -> [UInt16] {
        ways.addresses(of: service, at: both).map(\.port)
    }

    @Test func theWayThatWasAnsweredIsKept() {
        var ways = ServiceWays<Int>()
        #expect(ports(ways) == [10, 20])
        ways.answered(7, at: both, from: SocketAddress(both.addr2))
        #expect(ports(ways) == [20, 10])
        #expect(ports(ways, 8) == [10, 20])
        ways.answered(7, at: both, from: SocketAddress(address: 9, port: 9))
        #expect(ports(ways) == [20, 10])
        ways.answered(7, at: both, from: SocketAddress(both.addr1))
        #expect(ports(ways) == [10, 20])
    }

    @Test func whoMovesIsAskedAtItsFirstAddress() {
        var ways = ServiceWays<Int>()
        ways.answered(7, at: both, from: SocketAddress(both.addr2))
        ways.moved(7)
        #expect(ports(ways) == [10, 20])
    }

    @Test func oneAddressIsAskedAlways() {
        let one = AddrsInfo(addr1: both.addr1, addr2: IpPort(addrs: .any, port: 0))
        let ways = ServiceWays<Int>()
        #expect(ways.addresses(of: 7, at: one).map(\.port) == [10])
        let none = AddrsInfo(addr1: one.addr2, addr2: one.addr2)
        #expect(ways.addresses(of: 7, at: none).isEmpty)
    }
}
