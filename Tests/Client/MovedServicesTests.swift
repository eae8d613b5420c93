import Client
import Protocol
import Testing

/// Whom to believe about where a block service is.
struct MovedServicesTests {
    private static let second: UInt64 = 1_000_000_000
    private let id = BlockServiceID(rawValue: 0x700)

    private func place(_ port: UInt16) -> AddrsInfo {
        AddrsInfo(addr1: IpPort(addrs: .loopback, port: port), addr2: IpPort(addrs: .any, port: 0))
    }

    private func service(at port: UInt16) -> BlockService { BlockService(addrs: place(port), id: id, flags: []) }

    @Test func theRegistryIsBelievedOnlyForAWhile() {
        var moved = MovedServices()
        var now = 100 * Self.second
        var asks = moved.refusal(at: place(1), now: now)
        #expect(asks && moved.isAsking)
        moved.answered([id: place(2)])
        #expect(moved.addresses(of: service(at: 1), now: now) == place(2))
        #expect(moved.addresses(of: service(at: 3), now: now) == place(3), "shards know of a newer place")
        // It came back where it was, and the registry's answer is old.
        now += 61 * Self.second
        #expect(moved.addresses(of: service(at: 1), now: now) == place(1))
        // Still nobody there: asked about again.
        asks = moved.refusal(at: place(1), now: now)
        #expect(asks)
        moved.answered([id: place(4)])
        #expect(moved.addresses(of: service(at: 1), now: now) == place(4))
    }

    @Test func theRegistryIsNotAskedAllTheTime() {
        var moved = MovedServices()
        var asked = [moved.refusal(at: place(1), now: 10 * Self.second)]
        asked.append(moved.refusal(at: place(2), now: 11 * Self.second))
        #expect(asked == [true, false], "there is no answer yet")
        #expect(!moved.isOverdue(now: 10 * Self.second) && moved.isOverdue(now: 12 * Self.second))
        moved.answered(nil)
        asked.append(moved.refusal(at: place(1), now: 12 * Self.second))
        asked.append(moved.refusal(at: place(1), now: 14 * Self.second))
        #expect(asked == [true, false, false, true])
    }
}
