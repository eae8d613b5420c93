import Client
import Filesystem
import Glibc
import Protocol
import TestSupport
import Testing

extension OnCluster {
    /// Finished files that are changed, and the one content that a file has on a host.
    @Suite struct EditTests {
        /// More than anybody would copy.
        private static let large: UInt64 = 40 << 20

        private static func bytes(_ count: Int, _ seed: UInt8) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) ^ seed }
        }

        @Test func aLargeFileIsChangedAnywhere() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                var model = Self.bytes(Int(Self.large), 1)
                let created = try await own.create("f")
                for start in stride(from: 0, to: model.count, by: 1 << 20) {
                    try await own.filesystem.write(
                        created.opened.handle, Array(model[start..<start + 1 << 20]), at: UInt64(start), appends: false)
                }
                try await own.close(created.opened.handle)
                let handle = try await own.open("f", .writing)
                for (offset, count) in [(0, 16), (20_000_000, 70_000), (model.count - 3, 3)] {
                    let change = Self.bytes(count, 0x5a)
                    try await own.filesystem.write(handle, change, at: UInt64(offset), appends: false)
                    model.replaceSubrange(offset..<offset + count, with: change)
                }
                try await own.truncate("f", to: Self.large - 1, through: handle)
                model.removeLast()
                try await own.filesystem.allocate(handle, .punchHole, 5000..<3_000_000)
                model.replaceSubrange(5000..<3_000_000, with: [UInt8](repeating: 0, count: 2_995_000))
                try await own.close(handle)
                for host in hosts {
                    let reading = try await host.open("f", .reading)
                    var seen: [UInt8] = []
                    while seen.count < model.count {
                        seen += try await host.filesystem.read(reading, at: UInt64(seen.count), count: 1 << 20).bytes
                    }
                    #expect(areEqual(seen, model))
                    try await host.close(reading)
                }
                #expect(try await other.node("f") == created.entry.node)
            }
        }

        @Test func everyDescriptorSeesWhatIsWritten() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old contents")
                let (reader, far) = (try await own.open("f", .reading), try await other.open("f", .reading))
                let (first, second) = (try await own.open("f", .writing), try await own.open("f", .writing))
                try await own.write(first, "new", at: 0)
                try await own.write(second, "!", at: 12)
                #expect(try await own.read(reader) == "new contents!")
                #expect(try await own.size("f") == 13)
                #expect(try await other.read(far) == "old contents")
                try await own.close(first)
                #expect(try await other.size("f") == 12)
                try await own.close(second)
                #expect(try await own.read(reader) == "new contents!")
                #expect(try await other.contents("f") == "new contents!")
            }
        }

        @Test func whatComesAfterTheCloseIsAnEdit() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let created = try await own.create("f")
                let handle = created.opened.handle
                try await own.truncate("f", to: 8, through: handle)
                try await own.filesystem.close(handle, by: .unknown)
                #expect(try await other.contents("f") == String(repeating: "\0", count: 8))
                // As the kernel does it with pages of a mapping that outlives the descriptor.
                try await own.write(handle, "mapped", at: 0)
                #expect(try await own.contents("f") == "mapped\0\0")
                await own.filesystem.release(handle)
                #expect(try await other.contents("f") == "mapped\0\0")
                #expect(try await other.node("f") == created.entry.node)
            }
        }

        @Test func writesDuringAPublicationAreAnEditOfIt() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let first = try await own.create("f").opened.handle
                let second = try await own.open("f", .writing)
                try await own.filesystem.write(first, Self.bytes(3 << 20, 0), at: 0, appends: false)
                // Both at once, again and again: whatever comes first, nothing of it fails or is lost.
                for turn in 0..<20 {
                    async let published: Void = own.synchronize(first)
                    for index in 0..<10 {
                        try await own.write(second, "\(turn % 10)\(index)", at: UInt64(turn * 20 + index * 2))
                    }
                    try await published
                }
                try await own.close(first)
                try await own.close(second)
                let expected = (0..<200).map { "\($0 / 10 % 10)\($0 % 10)" }.joined()
                #expect(try await other.size("f") == 3 << 20)
                let reading = try await other.open("f", .reading)
                let seen = try await other.filesystem.read(reading, at: 0, count: 400).bytes
                #expect(String(decoding: seen, as: UTF8.self) == expected)
            }
        }

        @Test func spaceIsAllocated() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("f", "0123456789")
                let handle = try await own.open("f", .writing)
                for (allocation, range, expected): (Allocation, Range<UInt64>, String) in [
                    (.keepSize, 0..<100, "0123456789"), (.plain, 2..<12, "0123456789\0\0"),
                    (.punchHole, 1..<3, "0\0\03456789\0\0"), (.punchHole, 11..<50, "0\0\03456789\0\0"),
                    (.zeroRange(keepsSize: true), 9..<20, "0\0\0345678\0\0\0"),
                    (.zeroRange(keepsSize: false), 8..<14, "0\0\034567\0\0\0\0\0\0"),
                ] {
                    try await own.filesystem.allocate(handle, allocation, range)
                    #expect(try await own.read(handle) == expected)
                }
                #expect(
                    try await code { try await own.filesystem.allocate(handle, .plain, 0..<(16 << 40) + 1) } == EFBIG)
                try await own.close(handle)
                #expect(try await own.contents("f") == "0\0\034567\0\0\0\0\0\0")
            }
        }

        @Test func copiesShareTheirSpans() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let bytes = Self.bytes(3 << 20, 9)
                let created = try await own.create("f").opened.handle
                try await own.filesystem.write(created, bytes, at: 0, appends: false)
                // Nobody can refer to what is being written.
                let early = try await own.create("early").opened.handle
                #expect(
                    try await code {
                        _ = try await own.filesystem.copy(created, at: 0, to: early, at: 0, count: 1 << 30)
                    } == EXDEV)
                try await own.close(early)
                try await own.close(created)
                let (source, target) = (try await own.open("f", .reading), try await own.create("g").opened.handle)
                let size = UInt64(bytes.count)
                #expect(
                    try await own.filesystem.copy(source, at: 0, to: target, at: 0, count: .max) == size)
                #expect(try await own.filesystem.copy(source, at: size, to: target, at: size, count: 1 << 20) == 0)
                #expect(
                    try await code {
                        _ = try await own.filesystem.copy(source, at: 0, to: target, at: 5, count: 1 << 20)
                    } == EXDEV)
                #expect(
                    try await code {
                        _ = try await own.filesystem.copy(target, at: 0, to: source, at: 0, count: 1 << 20)
                    } == EBADF)
                try await own.write(target, "end", at: size)
                try await own.close(target)
                try await own.unlink("f")
                let reading = try await other.open("g", .reading)
                var seen: [UInt8] = []
                while seen.count < bytes.count + 3 {
                    seen += try await other.filesystem.read(reading, at: UInt64(seen.count), count: 1 << 20).bytes
                }
                #expect(areEqual(seen, bytes + Array("end".utf8)))
            }
        }

        @Test func whatCannotBeSharedIsNotSaidToBeCopied() async throws {
            try await Host.run(2) { hosts in
                let (near, far) = try await hosts[0].apart()
                let (own, other) = (hosts[0].at(far), hosts[1].at(far))
                let bytes = Self.bytes(3 << 20, 9)
                let created = try await hosts[0].at(near).create("f").opened.handle
                try await own.filesystem.write(created, bytes, at: 0, appends: false)
                try await own.close(created)
                let source = try await hosts[0].at(near).open("f", .reading)
                let target = try await own.create("g").opened.handle
                #expect(
                    try await code {
                        _ = try await own.filesystem.copy(source, at: 0, to: target, at: 0, count: .max)
                    } == EXDEV)
                // Whoever copies does it himself then.
                try await own.filesystem.write(target, bytes, at: 0, appends: false)
                try await own.close(target)
                try await own.close(source)
                #expect(try await other.size("g") == UInt64(bytes.count))
            }
        }

        @Test func whatOthersHaveRemovedIsNotMadeAgain() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for (name, mode) in [("edited", OpenMode.writing), ("appended", .appending)] {
                    try await own.store(name, "old")
                    let handle = try await own.open(name, mode)
                    try await own.write(handle, "new", at: 3, appends: mode.appends)
                    try await other.unlink(name)
                    #expect(try await code { try await own.close(handle) } == ESTALE)
                    #expect(try await code { _ = try await other.node(name) } == ENOENT)
                }
                #expect(own.losses.lines == ["close ESTALE", "close ESTALE"])
            }
        }

        @Test func anEditGoesWithItsName() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let node = try await own.node("f")
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "new", at: 3)
                try await own.rename("f", to: "g")
                #expect(try await other.contents("g") == "old")
                #expect(try await own.contents("g") == "oldnew")
                try await own.close(handle)
                #expect(try await other.contents("g") == "oldnew")
                #expect(try await code { _ = try await other.node("f") } == ENOENT)
                #expect(try await other.node("g") == node)
                // Into other shards, too.
                for index in 0..<4 {
                    let made = try await own.filesystem.makeDirectory(Array("d\(index)".utf8), in: own.directory)
                    let handle = try await own.open("g", .writing)
                    try await own.write(handle, "\(index)", at: 0)
                    let name = Array("g".utf8)
                    try await own.filesystem.rename(
                        name, in: own.directory, to: name, in: made.node, replaces: true)
                    try await own.close(handle)
                    let found = try await other.filesystem.lookup(name, in: made.node)
                    #expect(found.node == node)
                    let reading = try await other.filesystem.open(found.node, .reading, by: .unknown).handle
                    #expect(try await other.read(reading) == "\(index)ldnew")
                    try await other.close(reading)
                    try await own.filesystem.rename(
                        name, in: made.node, to: name, in: own.directory, replaces: true)
                }
            }
        }

        @Test func whoeverIsRenamedOverAFileThatIsBeingClosedStays() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for turn in 0..<20 {
                    try await own.store("new", "new \(turn)")
                    let handle = try await own.create("f", .truncating).opened.handle
                    try await own.write(handle, "old")
                    async let closed: Void = own.close(handle)
                    try await own.rename("new", to: "f")
                    try await closed
                    #expect(try await other.contents("f") == "new \(turn)")
                }
            }
        }

        @Test func anEditThatGetsItsNameBackIsPublishedIfItsWritersHaveGone() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let (reader, writer) = (try await own.open("f", .reading), try await own.open("f", .writing))
                try await own.write(writer, "new")
                let over = try await own.create("g").opened.handle
                try await own.write(over, "over")
                try await own.rename("g", to: "f")
                try await own.close(writer)
                try await own.filesystem.close(over, by: TestCreators.killed)
                await own.filesystem.release(over)
                let deadline = ContinuousClock.now + .seconds(60)
                while try await other.contents("f") != "new", ContinuousClock.now < deadline {}
                #expect(try await other.contents("f") == "new")
                try await own.close(reader)
            }
        }

        @Test func aNameThatSomebodyElseHasRemovedCanBeRemoved() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "new")
                try await other.unlink("f")
                try await own.unlink("f")
                #expect(try await code { _ = try await own.node("f") } == ENOENT)
                try await own.close(handle)
                #expect(try await code { _ = try await own.node("f") } == ENOENT)
            }
        }

        @Test(arguments: [true, false]) func appendsGoBehindWhatStillWaits(_ appends: Bool) async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let handle = try await own.create("f", .appending).opened.handle
                // More than is taken before something of it is stored.
                let long = String(repeating: "a", count: 64 << 20)
                async let written: Void = own.write(handle, long, appends: appends)
                while try await own.size("f") == 0 { await Task.yield() }
                try await own.write(handle, "tail", appends: true)
                try await written
                try await own.close(handle)
                let node = try await own.open("f", .reading)
                let end = try await own.filesystem.read(node, at: UInt64(long.utf8.count) - 2, count: 100).bytes
                #expect(end == Array("aatail".utf8))
                try await own.close(node)
            }
        }

        @Test func renamesAndPublicationsWaitForEachOther() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("0", "x")
                let handle = try await own.open("0", .writing)
                for turn in 0..<20 {
                    try await own.write(handle, "\(turn)", at: UInt64(turn))
                    async let published: Void = own.filesystem.synchronize(handle)
                    try await own.rename("\(turn)", to: "\(turn + 1)")
                    try await published
                }
                try await own.close(handle)
                #expect(try await other.contents("20") == (0..<20).map { String("\($0)".prefix(1)) }.joined() + "9")
            }
        }
    }
}
