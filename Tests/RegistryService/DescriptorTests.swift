import Glibc
import Protocol
import TestSupport
import Testing

/// A registry that may open no more descriptors.
@Suite(.timeLimit(.minutes(2))) struct DescriptorTests {
    private func descriptors(_ process: RegistryProcess) -> Set<Int> {
        Set(names(in: "/proc/\(process.identifier)/fd").compactMap { Int($0) })
    }

    /// Lets the process open none at `count` or above; below there is none left when `count` are open.
    private func limit(_ process: RegistryProcess, to count: Int) throws {
        guard let pipe = popen("exec prlimit --pid \(process.identifier) --nofile=\(count):", "r"), pclose(pipe) == 0
        else { throw TestFailure("prlimit failed") }
    }

    private func isDense(_ descriptors: Set<Int>) -> Bool { descriptors.max() == descriptors.count - 1 }

    /// Clients that were served, enough to fill what was free between the process's descriptors.
    private func clients(of registry: RegistryProcess, atLeast count: Int) throws -> [BlockingClient] {
        var clients: [BlockingClient] = []
        while clients.count < count || !isDense(descriptors(registry)) {
            try #require(clients.count < 100)
            clients.append(try BlockingClient(registry.address))
            _ = try clients.last?.call(InfoRequest())
        }
        return clients
    }

    @Test func whoHasBeenIdleForLongestGivesWay() throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r")
        let idle = try clients(of: registry, atLeast: 3)
        try limit(registry, to: descriptors(registry).count)
        let newcomers = try (0..<2).map { _ in
            let client = try BlockingClient(registry.address)
            _ = try client.call(InfoRequest())
            return client
        }
        #expect(idle[0].isHungUp() && idle[1].isHungUp())
        for client in newcomers + idle.dropFirst(2) { _ = try client.call(InfoRequest()) }
        #expect(registry.end(SIGTERM) == 0)
    }

    @Test func whereNobodyCanGiveWayNewOnesWait() throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r")
        let open = descriptors(registry)
        try limit(registry, to: try #require((0...).first { !open.contains($0) }))
        let client = try BlockingClient(registry.address)
        try client.send(InfoRequest())
        #expect(!client.isHungUp(within: 1), "it was neither taken nor turned away")
        #expect(descriptors(registry) == open)
        try limit(registry, to: 1000)
        _ = try client.answer(to: InfoRequest.self)
        #expect(registry.end(SIGTERM) == 0)
    }
}
