import EventLoop
import Testing

@Suite struct SocketAddressTests {
    @Test func readsAndWritesItself() throws {
        let address = try #require(SocketAddress(parsing: "127.0.0.1:1234"))
        #expect(address == .loopback(port: 1234))
        #expect(address.description == "127.0.0.1:1234")
        #expect(SocketAddress(parsing: "255.1.0.9:65535")?.description == "255.1.0.9:65535")
    }

    @Test(arguments: [
        "", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "256.0.0.1:1",
        "1.2.3:4", "localhost:1", "1.2.3.4:5:6", "::1:80",
    ])
    func refuses(_ text: String) {
        #expect(SocketAddress(parsing: text) == nil)
    }

    @Test func resolvesNames() throws {
        #expect(try SocketAddress.resolve("localhost:80") == .loopback(port: 80))
        #expect(throws: SystemError.self) { try SocketAddress.resolve("localhost") }
    }
}
