import Client
import Filesystem
import Glibc
import Synchronization
import TestSupport
import Testing

/// On a cluster of its own, whose servers stop answering.
@Suite(.timeLimit(.minutes(5))) struct OutageTests {
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

    // MARK: Block services that are away

    private static let content = String(repeating: "0123456789abcdef", count: 1 << 16)

    /// What a read answers that is begun while block services are away. They come back once it was tried more often
    /// than by somebody who waits for nobody.
    private static func whileAway<T: Sendable>(
        _ cluster: RunningCluster, _ host: Host, _ read: @escaping @Sendable () async throws -> T
    ) async throws -> T {
        let block = try cluster.pid(of: "block")
        kill(block, SIGSTOP)
        #expect(happens { isStopped(block) })
        defer { kill(block, SIGCONT) }
        let (client, loop) = (host.filesystem.client, host.filesystem.loop)
        let before = await client.requestsSent
        let isBack = Atomic(false)
        // On the client's loop: it comes to that, too, when the tests beside leave nobody else a processor.
        let back = loop.task {
            // Three times is the shard asked where the blocks are, and once for the size of a link.
            while await client.requestsSent < before + 8 { await loop.sleep(nanoseconds: 20_000_000) }
            isBack.store(true, ordering: .relaxed)
            kill(block, SIGCONT)
        }
        let answer = try await read()
        let hasWaited = isBack.load(ordering: .relaxed)
        #expect(hasWaited)
        await back.value
        return answer
    }

    private static var patient: FilesystemOptions {
        var options = FilesystemOptions()
        options.patienceNanoseconds = 0
        return options
    }

    private static var client: ClientOptions {
        var client = ClientOptions()
        (client.blockStallNanoseconds, client.avoidNanoseconds) = (200_000_000, 200_000_000)
        return client
    }

    @Test("who reads while block services hang is told when he has waited for long enough")
    func hangingReads() async throws {
        let cluster = try RunningCluster()
        defer { cluster.stop() }
        var impatient = FilesystemOptions()
        impatient.patienceNanoseconds = 1_000_000_000
        // The first attempt outlasts the test.
        var client = ClientOptions()
        client.blockStallNanoseconds = 3_600_000_000_000
        try await RunningCluster.$current.withValue(cluster) {
            try await Host.run([FilesystemOptions(), impatient], client: client) { hosts in
                let (maker, own) = (hosts[0], hosts[1])
                try await maker.store("f", Self.content + "!")
                let replacing = try await maker.open("f", .truncating)
                try await maker.write(replacing, Self.content)
                try await maker.close(replacing)
                let place = try await OnCluster.SnapshotTests.place(own)
                let filesystem = own.filesystem
                let listed = try await OnCluster.ListingTests.list(own, of: place)
                let version = try #require(listed.last { $0.name.starts(with: Array("f@".utf8)) })
                let old = try await filesystem.open(version.node, .reading, by: .unknown).handle
                let present = try await own.open("f", .reading)
                let block = try cluster.pid(of: "block")
                kill(block, SIGSTOP)
                #expect(happens { Self.isStopped(block) })
                defer { kill(block, SIGCONT) }
                for handle in [present, old] {
                    #expect(
                        try await code { _ = try await filesystem.read(handle, at: 0, count: 4096) } == ETIMEDOUT)
                }
            }
        }
    }

    @Test("who reads an edit, a snapshot or a long link waits for block services, for ever if that was chosen")
    func reads() async throws {
        let cluster = try RunningCluster()
        defer { cluster.stop() }
        var impatient = FilesystemOptions()
        impatient.patienceNanoseconds = 4_000_000_000
        try await RunningCluster.$current.withValue(cluster) {
            try await Host.run([FilesystemOptions(), Self.patient, impatient], client: Self.client) { hosts in
                let (maker, own, other) = (hosts[0], hosts[1].filesystem, hosts[2].filesystem)
                try await maker.store("f", Self.content + "!")
                let replacing = try await maker.open("f", .truncating)
                try await maker.write(replacing, Self.content)
                try await maker.close(replacing)
                let path = [UInt8](repeating: 0x70, count: 3000)
                _ = try await maker.filesystem.makeSymbolicLink(Array("link".utf8), in: maker.directory, to: path)
                let link = try await hosts[1].node("link")
                let place = try await OnCluster.SnapshotTests.place(hosts[1])
                let listed = try await OnCluster.ListingTests.list(hosts[1], of: place)
                let snapshot = try #require(listed.last { $0.name.starts(with: Array("f@".utf8)) })
                let old = try await own.open(snapshot.node, .reading, by: .unknown).handle
                let edit = try await hosts[1].open("f", .readingAndWriting)
                try await hosts[1].write(edit, "edited", at: 100)
                let read = try await Self.whileAway(cluster, hosts[1]) {
                    try await own.read(edit, at: 96, count: 16).bytes
                }
                #expect(String(decoding: read, as: UTF8.self) == "0123editedabcdef")
                let before = try await Self.whileAway(cluster, hosts[1]) {
                    try await own.read(old, at: UInt64(Self.content.utf8.count), count: 2).bytes
                }
                #expect(before == Array("!".utf8))
                #expect(try await Self.whileAway(cluster, hosts[1]) { try await own.readSymbolicLink(link) } == path)
                // Others are told some time.
                let hurried = try await hosts[2].open("f", .readingAndWriting)
                try await hosts[2].write(hurried, "edited", at: 100)
                let block = try cluster.pid(of: "block")
                kill(block, SIGSTOP)
                defer { kill(block, SIGCONT) }
                #expect(happens { Self.isStopped(block) })
                async let edited = code { _ = try await other.read(hurried, at: 0, count: 16) }
                async let linked = code { _ = try await other.readSymbolicLink(link) }
                #expect(try await (edited, linked) == (ETIMEDOUT, ETIMEDOUT))
            }
        }
    }
}
