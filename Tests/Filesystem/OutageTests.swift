import Client
import Filesystem
import Glibc
import TestSupport
import Testing

/// On a cluster of its own, whose shards stop answering.
@Suite(.timeLimit(.minutes(2))) struct OutageTests {
    /// A signal takes effect a moment after it was sent.
    private static func isStopped(_ process: pid_t) -> Bool {
        guard let file = fopen("/proc/\(process)/stat", "re") else { return false }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1000)
        let text = String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
        return text.split(separator: ")").last?.hasPrefix(" T") == true
    }

    @Test("what the cluster could not do with a name leaves one line each, what programs bring about none")
    func lines() async throws {
        let cluster = try RunningCluster()
        defer { cluster.stop() }
        try await RunningCluster.$current.withValue(cluster) {
            try await Host.run(client: .impatient) { hosts in
                let own = hosts[0]
                try await own.store("f", "text")
                let filesystem = own.filesystem
                let node = try await filesystem.lookup(Array("f".utf8), in: own.directory).node
                #expect(try await code { try await own.rename("none", to: "other") } == ENOENT)
                #expect(try await code { _ = try await own.node("none") } == ENOENT)
                let shard = try cluster.pid(of: "shard")
                kill(shard, SIGSTOP)
                #expect(happens { Self.isStopped(shard) })
                defer { kill(shard, SIGCONT) }
                for mode in [OpenMode.reading, .truncating] {
                    #expect(try await code { _ = try await filesystem.open(node, mode, by: .unknown) } == ETIMEDOUT)
                }
                #expect(try await code { try await own.rename("f", to: "other") } == ETIMEDOUT)
                #expect(try await code { _ = try await own.node("f") } == ETIMEDOUT)
                #expect(try await code { try await own.unlink("f") } == ETIMEDOUT)
                #expect(
                    try await code {
                        _ = try await filesystem.makeDirectory(Array("d".utf8), in: own.directory)
                    } == ETIMEDOUT)
                kill(shard, SIGCONT)
                let operations = ["open", "open", "rename", "lookup", "unlink", "mkdir"]
                #expect(own.losses.lines == operations.map { $0 + " ETIMEDOUT" })
            }
        }
    }
}
