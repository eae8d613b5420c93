import Client
import Filesystem
import Glibc
import Protocol
import Testing

@Suite struct SnapshotNameTests {
    @Test func saysItsTime() throws {
        let name = SnapshotName(name: Array("a@b".utf8), time: Timestamp(nanoseconds: 1_764_424_805_000_000_001))
        #expect(String(decoding: name.bytes, as: UTF8.self) == "a@b@2025-11-29T14:00:05.000000001Z")
        #expect(SnapshotName(name.bytes) == name)
        for time: UInt64 in [0, 1, 951_782_399_999_999_999, 951_782_400_000_000_000, .max] {
            let name = SnapshotName(name: [0xFF, 0x40], time: Timestamp(nanoseconds: time))
            #expect(SnapshotName(name.bytes) == name, "\(time)")
        }
    }

    @Test(arguments: [
        "", "a", "@2025-11-29T14:00:05.000000001", "a@2025-13-29T14:00:05.000000001Z", "a@2025-02-30T14:00:05.000000001Z",
        "a@2025-11-29T14:00:05.000000001z", "a@2025-11-29 14:00:05.000000001Z", "a@9999-11-29T14:00:05.000000001Z",
        "a@1969-12-31T23:59:59.000000001Z", "a@2025-11-29T14:00:05.00000001ZZ", "a@99999999999999999999999999999Z",
        "a@2025-11-29T25:00:05.000000001Z",
    ])
    func isReadNoOtherWay(_ text: String) {
        #expect(SnapshotName(Array(text.utf8)) == nil)
    }
}

extension OnCluster {
    /// `.sterna`: versions that were overwritten or deleted.
    @Suite struct SnapshotTests {
        static func place(_ host: Host, in directory: NodeID? = nil) async throws -> NodeID {
            try await host.filesystem.lookup(Array(".sterna".utf8), in: directory ?? host.directory).node
        }

        /// Names, without their times, and what each leads to.
        private static func shown(
            _ host: Host, in place: NodeID, room: Int = 1000
        ) async throws -> [(name: String, entry: Entry)] {
            var found: [(name: String, entry: Entry)] = []
            for listed in try await ListingTests.list(host, room, of: place) where listed.name.first != UInt8(ascii: ".") {
                let name = try #require(SnapshotName(listed.name)).name
                let entry = try await host.filesystem.lookup(listed.name, in: place)
                #expect(entry.node == listed.node && entry.attributes.type == listed.type)
                found.append((String(decoding: name, as: UTF8.self), entry))
            }
            return found
        }

        private static func contents(_ host: Host, _ node: NodeID) async throws -> String {
            let handle = try await host.filesystem.open(node, .reading, by: .unknown).handle
            let text = try await host.read(handle)
            try await host.close(handle)
            await #expect(throws: (any Error).self, "it is closed") { try await host.read(handle) }
            return text
        }

        @Test func overwrittenAndDeletedVersionsAreShown() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "one")
                try await own.edit("f", "two", at: 0)
                try await own.edit("f", "three", at: 0)
                try await own.store("gone", "away")
                try await own.unlink("gone")
                for room in [1000, 1] {
                    var texts: [String] = []
                    for (name, entry) in try await Self.shown(other, in: Self.place(other), room: room) {
                        texts.append("\(name) \(try await Self.contents(other, entry.node))")
                    }
                    #expect(texts.sorted() == ["f one", "f two", "gone away"])
                }
                #expect(try await other.contents("f") == "three")
                // Nobody finds it who does not look for it.
                let listed = try await ListingTests.list(other).map { String(decoding: $0.name, as: UTF8.self) }
                #expect(listed.sorted() == [".", "..", "f"])
            }
        }

        @Test func whatIsThereOrElsewhereIsNot() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("f", "one")
                try await own.append("f", " two")
                try await own.store("moved", "elsewhere")
                try await own.rename("moved", to: "there")
                #expect(try await Self.shown(own, in: Self.place(own)).isEmpty)
            }
        }

        @Test func movedDirectoriesAreSeenWhereTheyAreOnly() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                _ = try await own.filesystem.makeDirectory(Array("d".utf8), in: own.directory)
                let closed = try await own.filesystem.makeDirectory(Array("closed".utf8), in: own.directory).node
                let place = try await Self.place(own)
                try await own.filesystem.rename(
                    Array("d".utf8), in: own.directory, to: Array("d".utf8), in: closed, replaces: false)
                #expect(try await Self.shown(own, in: place).isEmpty)
                // Removed there, it is one of that place's.
                try await own.filesystem.removeDirectory(Array("d".utf8), in: closed)
                let shown = try await Self.shown(own, in: Self.place(own, in: closed))
                #expect(shown.map(\.name) == ["d"])
                // And of no other, which others may look into.
                #expect(try await Self.shown(own, in: Self.place(own)).isEmpty)
            }
        }

        @Test func programsThatWereReplacedRunWithNobodysRights() async throws {
            try await Host.run { hosts in
                let (own, filesystem) = (hosts[0], hosts[0].filesystem)
                try await own.store("tool", "old")
                let node = try await own.node("tool")
                _ = try await filesystem.setAttributes(node, AttributeChange(mode: 0o6755), through: nil)
                try await filesystem.setExtendedAttribute(Array("security.capability".utf8), [1], of: node, .set)
                try await filesystem.setExtendedAttribute(Array("user.a".utf8), [2], of: node, .set)
                try await own.edit("tool", "new", at: 0)
                let version = try #require(try await Self.shown(own, in: Self.place(own)).first).entry
                #expect(version.attributes.permissions?.mode == 0o755)
                let names = try await filesystem.extendedAttributeNames(of: version.node, for: .unknown)
                #expect(names == [Array("user.a".utf8)])
            }
        }

        @Test func removedDirectoriesHaveTheirLastFiles() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let directory = try await own.filesystem.makeDirectory(Array("d".utf8), in: own.directory).node
                let inside = Host(
                    loop: own.loop, filesystem: own.filesystem, observer: own.observer, losses: own.losses,
                    directory: directory)
                try await inside.store("f", "deep")
                try await inside.unlink("f")
                try await own.filesystem.removeDirectory(Array("d".utf8), in: own.directory)
                let shown = try await Self.shown(own, in: Self.place(own))
                let removed = try #require(shown.first)
                #expect(shown.count == 1 && removed.name == "d" && removed.entry.attributes.type == .directory)
                let last = try #require(try await Self.shown(own, in: removed.entry.node).first)
                #expect(last.name == "f")
                #expect(try await Self.contents(own, last.entry.node) == "deep")
            }
        }

        @Test func nothingCanBeChangedThere() async throws {
            try await Host.run { hosts in
                let (own, filesystem) = (hosts[0], hosts[0].filesystem)
                try await own.store("f", "one")
                try await own.edit("f", "two", at: 0)
                let place = try await Self.place(own)
                let version = try #require(try await Self.shown(own, in: place).first).entry.node
                func refused(_ body: () async throws -> Void, _ comment: Comment) async {
                    let error = await #expect(throws: FilesystemError.self, comment) { try await body() }
                    #expect(error?.code == EROFS, comment)
                }
                let name = Array("new".utf8)
                await refused({ _ = try await filesystem.open(version, .writing, by: .unknown) }, "open")
                await refused({ _ = try await filesystem.create(name, in: place, .writing, by: .unknown) }, "create")
                await refused({ _ = try await filesystem.makeDirectory(name, in: place) }, "mkdir")
                await refused({ try await filesystem.unlink(name, in: place) }, "unlink")
                await refused(
                    {
                        try await filesystem.rename(
                            Array("f".utf8), in: own.directory, to: name, in: place, replaces: true)
                    }, "rename")
                await refused(
                    { _ = try await filesystem.setAttributes(version, AttributeChange(size: 0), through: nil) },
                    "truncate")
                #expect(try await Self.contents(own, version) == "one")
                await #expect(throws: FilesystemError.self) { try await filesystem.lookup(name, in: place) }
            }
        }

        @Test func whatHasTheNameOfTheHiddenPlaceHidesIt() async throws {
            try await Host.run(2) { hosts in
                let (own, filesystem, name) = (hosts[0], hosts[0].filesystem, Filesystem.snapshotDirectory)
                let (client, directory) = (filesystem.client, hosts[0].directory)
                try await own.store("f", "one")
                func refusal(_ body: () async throws -> Void) async throws -> Int32 { try await code(body) }
                // Nothing can be done to the hidden one, nor put into its place.
                #expect(try await refusal { try await filesystem.unlink(name, in: directory) } == EROFS)
                #expect(try await refusal { try await filesystem.removeDirectory(name, in: directory) } == EROFS)
                #expect(try await refusal { try await own.rename(".sterna", to: "g") } == EROFS)
                #expect(try await refusal { try await own.rename("f", to: ".sterna") } == EEXIST)
                #expect(try await refusal { try await own.rename("f", to: ".sterna", replaces: false) } == EEXIST)
                #expect(try await refusal { try await own.store(".sterna", "x") } == EEXIST)
                #expect(try await refusal { _ = try await filesystem.makeDirectory(name, in: directory) } == EEXIST)
                #expect(try await refusal { _ = try await filesystem.makeFile(name, in: directory) } == EEXIST)
                #expect(
                    try await refusal { _ = try await filesystem.makeSymbolicLink(name, in: directory, to: [1]) } == EEXIST)
                #expect(try await Self.place(own).isSnapshot)
                // Other clients have such a file.
                let writer = try await client.createFile(in: directory.inode, note: [])
                try await writer.write([0x78], at: 0)
                _ = try await writer.finish(Publication(directory: directory.inode, name: name))
                for host in hosts {
                    #expect(try await host.contents(".sterna") == "x")
                    let names = try await ListingTests.list(host).map { String(decoding: $0.name, as: UTF8.self) }
                    #expect(names.sorted() == [".", "..", ".sterna", "f"])
                }
                try await own.edit(".sterna", "y", at: 0)
                try await own.rename("f", to: ".sterna")
                #expect(try await hosts[1].contents(".sterna") == "one")
                try await own.rename(".sterna", to: "f")
                #expect(try await Self.place(own).isSnapshot)
                // And a directory.
                let made = try await client.makeDirectory(name, in: directory.inode)
                #expect(try await Self.place(own) == NodeID(made.id))
                try await filesystem.removeDirectory(name, in: directory)
                #expect(try await Self.place(own).isSnapshot)
            }
        }

        @Test func aboveAHiddenPlaceIsItsDirectory() async throws {
            try await Host.run(2) { hosts in
                let (own, other, up) = (hosts[0], hosts[1], Array("..".utf8))
                let name = Array("d".utf8)
                _ = try await own.filesystem.makeDirectory(name, in: own.directory)
                try await own.filesystem.removeDirectory(name, in: own.directory)
                let place = try await Self.place(own)
                let removed = try #require(try await Self.shown(own, in: place).first).entry.node
                #expect(try await own.filesystem.lookup(up, in: removed).node == place)
                let caller = Caller(thread: 7)
                for host in hosts {
                    #expect(try await host.filesystem.lookup(up, in: place, by: caller).node == host.directory)
                }
                let root = try await own.filesystem.lookup(Filesystem.snapshotDirectory, in: .root).node
                #expect(try await own.filesystem.lookup(up, in: root).node == .root)
                // The kernel looks for the name then, once.
                func names(_ caller: Caller) async throws -> [String] {
                    try await ListingTests.list(other, by: caller).map { String(decoding: $0.name, as: UTF8.self) }
                }
                #expect(try await names(Caller(thread: 8)) == [".", ".."])
                #expect(try await names(caller) == [".", "..", ".sterna"])
                #expect(try await names(caller) == [".", ".."])
                // Nobody knows any more where it was found.
                #expect(try await code { _ = try await other.filesystem.lookup(up, in: removed) } == ESTALE)
            }
        }

        @Test func aVersionIsCopiedBack() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let text = String(repeating: "0123456789abcdef", count: 1000)
                try await own.store("f", text)
                try await own.unlink("f")
                let version = try #require(try await Self.shown(own, in: Self.place(own)).first).entry.node
                let source = try await own.filesystem.open(version, .reading, by: .unknown).handle
                let target = try await own.create("f").opened.handle
                // As for a file that is being written: who copies moves the data.
                let error = await #expect(throws: FilesystemError.self) {
                    try await own.filesystem.copy(source, at: 0, to: target, at: 0, count: 16000)
                }
                #expect(error?.code == EXDEV)
                try await own.write(target, try await own.read(source))
                for handle in [source, target] { try await own.close(handle) }
                #expect(try await own.contents("f") == text)
            }
        }
    }
}
