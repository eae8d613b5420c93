import Client
import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// Changes that take longer than programs wait for them.
    @Suite struct LateChangeTests {
        private static let piece = 1 << 20

        private static var options: FilesystemOptions {
            var options = FilesystemOptions()
            options.patienceNanoseconds = 4_000_000_000
            return options
        }

        /// Its buffers are soon full, and it never gives up.
        private static var client: ClientOptions {
            var client = ClientOptions.impatient
            (client.writeTimeoutNanoseconds, client.openBufferBytes) = (0, piece)
            return client
        }

        /// What is published late appears some time.
        private static func awaitFile(_ name: String, on host: Host) async throws {
            let deadline = ContinuousClock.now + .seconds(60)
            while try await code({ _ = try await host.node(name) }) != 0, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
        }

        /// Writes until it takes too long; answers how much was taken before.
        private static func fill(_ handle: HandleID, _ host: Host, appends: Bool = false) async throws -> Int {
            for index in 0..<32 {
                let bytes = [UInt8](repeating: UInt8(index) + 1, count: piece)
                let outcome = try await code {
                    try await host.filesystem.write(handle, bytes, at: UInt64(index * piece), appends: appends)
                }
                guard outcome == 0 else {
                    #expect(outcome == ETIMEDOUT)
                    return index
                }
            }
            Issue.record("everything was taken")
            return 32
        }

        /// Its program is told so, and whether it was done after all shows at the close.
        @Test func aWriteThatTakesTooLongIsDoneAllTheSame() async throws {
            try await Host.run(2, options: Self.options, client: Self.client) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let handle = try await own.create("f").opened.handle
                func write(_ piece: Int) async throws -> Int32 {
                    let bytes = [UInt8](repeating: UInt8(piece) + 1, count: 1 << 20)
                    return try await code {
                        try await own.filesystem.write(handle, bytes, at: UInt64(piece) << 20, appends: false)
                    }
                }
                await own.lose([own.directory.inode.shard])
                var pieces = 0
                while pieces < 32, try await write(pieces) == 0 { pieces += 1 }
                #expect(pieces < 32)
                try await own.reach()
                // It is tried again, as programs do, and perhaps more than once.
                var outcome = ETIMEDOUT
                for _ in 0..<5 where outcome == ETIMEDOUT { outcome = try await write(pieces) }
                try #require(outcome == 0)
                _ = try await code { try await own.close(handle) }
                try await Self.awaitFile("f", on: other)
                let reading = try await other.open("f", .reading)
                for piece in 0...pieces {
                    let read = try await other.filesystem.read(reading, at: UInt64(piece) << 20, count: 1 << 20).bytes
                    #expect(read == [UInt8](repeating: UInt8(piece) + 1, count: 1 << 20))
                }
            }
        }

        @Test func aTruncationThatTakesTooLongIsDoneAllTheSame() async throws {
            try await Host.run(2, options: Self.options, client: Self.client) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let handle = try await own.create("f").opened.handle
                await own.lose([own.directory.inode.shard])
                // More than may stay open: the beginning is on its way, and cannot arrive.
                for index in 0..<2 {
                    let bytes = [UInt8](repeating: 1, count: Self.piece)
                    try await own.filesystem.write(handle, bytes, at: UInt64(index * Self.piece), appends: false)
                }
                try #require(
                    try await code { try await own.truncate("f", to: 40_960, through: handle) } == ETIMEDOUT)
                try await own.reach()
                try await own.close(handle)
                try await Self.awaitFile("f", on: other)
                #expect(try await other.size("f") == 40_960)
            }
        }

        /// It had not come to be put anywhere, but whoever goes on would publish a file without it.
        @Test func aWriteThatWasGivenUpFailsTheFileForAll() async throws {
            var options = FilesystemOptions()
            options.patienceNanoseconds = 1_000_000_000
            try await Host.run(2, options: options, client: Self.client) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let (first, second) = (try await own.open("f", .writing), try await own.open("f", .writing))
                try await own.write(first, "one")
                await own.lose([own.directory.inode.shard])
                #expect(try await code { try await own.synchronize(first) } == ETIMEDOUT)
                #expect(try await code { try await own.write(second, "two", at: 3) } == ETIMEDOUT)
                try await own.reach()
                #expect(try await code { try await own.write(first, "three", at: 6) } == ETIMEDOUT)
                #expect(try await code { try await own.close(first) } == ETIMEDOUT)
                #expect(try await code { try await own.close(second) } == ETIMEDOUT)
                #expect(own.losses.lines == ["fsync ETIMEDOUT", "write ETIMEDOUT"])
                // What fsync was about was whole.
                let deadline = ContinuousClock.now + .seconds(60)
                while try await other.contents("f") != "one", ContinuousClock.now < deadline {}
                #expect(try await other.contents("f") == "one")
            }
        }

        @Test func whatIsEmptiedHasNothingOfALateWrite() async throws {
            try await Host.run(2, options: Self.options, client: Self.client) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let handle = try await own.create("f", .appending).opened.handle
                await own.lose([own.directory.inode.shard])
                _ = try await Self.fill(handle, own, appends: true)
                try await own.reach()
                var outcome = ETIMEDOUT
                for _ in 0..<5 where outcome == ETIMEDOUT {
                    outcome = try await code { try await own.truncate("f", to: 0, through: handle) }
                }
                try #require(outcome == 0)
                try await own.write(handle, "anew", appends: true)
                try await own.close(handle)
                #expect(try await other.contents("f") == "anew")
            }
        }
    }
}
