import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// Directories, and the names in them that only one host sees.
    @Suite struct ListingTests {
        /// Has room for so many names.
        private struct Sink: ListingSink {
            let wantsAttributes: Bool
            var room: Int
            var entries: [ListedEntry] = []

            func size(nameBytes: Int) -> Int { 1 }

            mutating func append(_ entry: ListedEntry) {
                room -= 1
                entries.append(entry)
            }
        }

        /// All of a directory, so many names at a time.
        static func list(
            _ host: Host, _ room: Int = 1000, plus: Bool = false, from start: UInt64 = 0, of directory: NodeID? = nil,
            by caller: Caller = .unknown
        ) async throws -> [ListedEntry] {
            var entries: [ListedEntry] = []
            while true {
                let offset = entries.last?.next ?? start
                let part = try await host.filesystem.page(
                    directory ?? host.directory, from: offset, Sink(wantsAttributes: plus, room: room), by: caller)
                guard !part.entries.isEmpty else { return entries }
                entries += part.entries
            }
        }

        private static func names(_ entries: [ListedEntry]) -> [String] {
            entries.map { String(decoding: $0.name, as: UTF8.self) }
        }

        @Test func stagedNamesAreListedWhereTheyAreSeen() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for index in 0..<10 { try await own.store("finished \(index)", "x") }
                var staged: [String: CreatedFile] = [:]
                for index in 0..<10 { staged["staged \(index)"] = try await own.create("staged \(index)") }
                // This one is there twice: as it was, and as it will be.
                let replaced = try await own.open("finished 3", .truncating)
                let finished = (0..<10).map { "finished \($0)" }
                for room in [1000, 3] {
                    let seen = Self.names(try await Self.list(own, room))
                    #expect(seen.sorted() == ([".", ".."] + finished + staged.keys).sorted())
                }
                #expect(Self.names(try await Self.list(other)).sorted() == ([".", ".."] + finished).sorted())
                for created in staged.values { try await own.close(created.opened.handle) }
                try await own.close(replaced)
                #expect(try await Self.list(own).map(\.next) == Self.list(own).map(\.next).sorted())
                #expect(Self.names(try await Self.list(other)).count == 22)
            }
        }

        @Test func attributesComeWithReferences() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let directory = try await own.filesystem.makeDirectory(Array("d".utf8), in: own.directory)
                try await own.store("f", "four")
                let handle = try await own.create("g").opened.handle
                try await own.write(handle, "staged")
                let entries = try await Self.list(own, plus: true)
                let sizes = Dictionary(
                    uniqueKeysWithValues: zip(Self.names(entries), entries.map { $0.entry?.attributes.size }))
                #expect(sizes["f"] == 4 && sizes["g"] == 6 && sizes["."] == .some(nil))
                #expect(entries.first { $0.name == Array("d".utf8) }?.entry?.node == directory.node)
                for entry in entries.compactMap(\.entry) { await own.filesystem.takeBack(entry) }
                try await own.close(handle)
            }
        }

        @Test func whatIsNotKnownToBeAnOrdinaryFileIsNotSaidToBeOne() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let fifo = Array("fifo".utf8)
                _ = try await own.filesystem.makeFile(fifo, in: own.directory, special: .fifo)
                try await own.store("f", "x")
                let staged = try await own.create("staged").opened.handle
                func natures(_ host: Host, plus: Bool = false) async throws -> [String: FileNature] {
                    let entries = try await Self.list(host, plus: plus)
                    for entry in entries.compactMap(\.entry) { await host.filesystem.takeBack(entry) }
                    return Dictionary(uniqueKeysWithValues: zip(Self.names(entries), entries.map(\.nature)))
                }
                let seen = try await natures(other)
                #expect(seen["fifo"] == .unknown && seen["f"] == .unknown && seen["."] == .ordinary)
                let known = try await natures(own)
                #expect(known["fifo"] == .special(.fifo) && known["staged"] == .ordinary)
                for host in hosts {
                    let told = try await natures(host, plus: true)
                    #expect(told["fifo"] == .special(.fifo) && told["f"] == .ordinary)
                }
                // Whoever has asked once knows it for good.
                _ = try await other.filesystem.lookup(fifo, in: other.directory)
                #expect(try await natures(other)["fifo"] == .special(.fifo))
                try await own.close(staged)
            }
        }

        @Test func aDirectoryWithStagedNamesIsNotEmpty() async throws {
            try await Host.run { hosts in
                let (own, name) = (hosts[0], Array("d".utf8))
                let directory = try await own.filesystem.makeDirectory(name, in: own.directory).node
                let created = try await own.filesystem.create(name, in: directory, .writing, by: .unknown)
                #expect(
                    try await code { try await own.filesystem.removeDirectory(name, in: own.directory) } == ENOTEMPTY)
                try await own.filesystem.unlink(name, in: directory)
                try await own.filesystem.removeDirectory(name, in: own.directory)
                try await own.close(created.opened.handle)
            }
        }
    }
}

extension Filesystem {
    /// One part of a listing.
    fileprivate func page<Sink: ListingSink & Sendable>(
        _ directory: NodeID, from offset: UInt64, _ sink: Sink, by caller: Caller
    ) async throws -> Sink {
        var sink = sink
        try await list(directory, from: offset, into: &sink, by: caller)
        return sink
    }
}
