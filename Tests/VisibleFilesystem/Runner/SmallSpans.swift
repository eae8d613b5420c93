import Client
import EventLoop
import Foundation
import Protocol

/// Makes a cluster store files in small spans, so that small programs cross their boundaries.
struct SmallSpans {
    private let registry: String

    /// - Parameter cluster: the directory of a running one.
    init(registryOf cluster: String) throws {
        let address = try String(contentsOfFile: cluster + "/run/registry.address", encoding: .utf8)
        registry = address.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func set(_ bytes: Int) throws {
        let address = try SocketAddress.resolve(registry)
        let loop = try EventLoop()
        var outcome: Result<Void, any Error> = .failure(RunFailure("the policy was not set"))
        loop.task {
            let client = try Client(loop: loop, registries: [address])
            try await client.start()
            try await client.setPolicy(
                SpanPolicy(entries: [SpanPolicyEntry(maxSize: UInt32(bytes), parity: Parity(data: 1, parity: 1))]),
                of: .root)
            await client.close()
        } then: { result in
            outcome = result
            loop.stop()
        }
        loop.run()
        try outcome.get()
    }
}
