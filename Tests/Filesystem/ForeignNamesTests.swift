import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// Names that other hosts give to something else while something is written under them here.
    @Suite struct ForeignNamesTests {
        @Test func whoDidNotTruncateReplacesNothing() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                // exec 3<>f
                let handle = try await own.create("f", .readingAndWriting).opened.handle
                try await other.store("f", "b")
                try await own.write(handle, "a")
                #expect(try await code { try await own.close(handle) } == ESTALE)
                for host in hosts { #expect(try await host.contents("f") == "b") }
                // > g
                let replacing = try await own.create("g", .truncating).opened.handle
                try await other.store("g", "b")
                try await own.write(replacing, "a")
                try await own.close(replacing)
                for host in hosts { #expect(try await host.contents("g") == "a") }
            }
        }

        @Test func whoOnlyMadeAFileHasTheOneThatIsThere() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                // touch f
                let made = try await own.create("f", .writing)
                let time = Timestamp(nanoseconds: 1_000_000_000_000_000_000)
                _ = try await own.filesystem.setAttributes(
                    made.entry.node, AttributeChange(modified: .at(time), accessed: .at(time)), through: nil)
                try await other.store("f", "text")
                try await own.close(made.opened.handle)
                for host in hosts {
                    #expect(try await host.contents("f") == "text")
                    #expect(try await host.attributes("f").modified == time)
                }
                // Not back to when it was made: others have seen a later time.
                let empty = try await own.create("g", .readingAndWriting)
                _ = try await own.filesystem.attributes(empty.entry.node)
                try await other.store("g", "text")
                let before = try await other.attributes("g").modified
                try await own.close(empty.opened.handle)
                #expect(try await other.attributes("g").modified >= before)
            }
        }

        @Test func aNameThatOthersHaveTakenMeansWhatItIsForEverybody() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for (event, mode) in [
                    ("removed", OpenMode.writing), ("replaced", .writing), ("removed", .truncating),
                    ("replaced", .appending),
                ] {
                    try await own.store("f", "old")
                    let known = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                    let handle = try await own.open("f", mode)
                    try await own.write(handle, "mine", at: mode.appends ? 3 : 0, appends: mode.appends)
                    let reading = try await own.open("f", .reading)
                    let seen = try await own.read(reading)
                    try await other.unlink("f")
                    if event == "replaced" { try await other.store("f", "another") }
                    if event == "removed" {
                        #expect(try await code { _ = try await own.node("f") } == ENOENT)
                    } else {
                        #expect(
                            try await code { _ = try await own.filesystem.open(known, .reading, by: .unknown) }
                                == ESTALE)
                        #expect(try await own.contents("f") == "another")
                        #expect(try await own.node("f") == other.node("f"))
                    }
                    // Who has it open goes on, and learns of it at the end.
                    try await own.write(handle, "!", at: 9, appends: mode.appends)
                    #expect(try await own.read(reading).hasPrefix(seen))
                    try await own.close(reading)
                    #expect(try await code { try await own.synchronize(handle) } == ESTALE)
                    #expect(try await code { try await own.close(handle) } == ESTALE)
                    if event == "replaced" { try await own.unlink("f") }
                }
                #expect(own.losses.lines == Array(repeating: "fsync ESTALE", count: 4))
            }
        }

        @Test func whatIsRemovedElsewhereAndThenHereIsNoLoss() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "mine")
                try await own.unlink("f")
                try await other.store("f", "another")
                #expect(try await own.contents("f") == "another")
                try await own.close(handle)
                #expect(try await own.contents("f") == "another")
            }
        }

        @Test func anEditThatGoesOnIsSeenAsBefore() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("log", "0")
                let node = try await own.node("log")
                let handle = try await own.open("log", .appending)
                try await own.write(handle, "1", at: 1, appends: true)
                try await other.append("log", "2")
                #expect(try await own.contents("log") == "01")
                #expect(try await own.node("log") == node)
                // One question for each that looks.
                let requests = try await own.requests {
                    _ = try await own.filesystem.open(node, .reading, by: .unknown)
                }
                #expect(requests <= 2)
                try await own.close(handle)
                for host in hosts { #expect(try await host.contents("log") == "021") }
            }
        }

        @Test func listingsShowWhatOthersHaveLeft() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for name in ["gone", "stays"] {
                    try await own.store(name, "old")
                    try await own.write(try await own.open(name, .writing), "mine")
                }
                try await own.write(try await own.create("new").opened.handle, "new")
                try await other.unlink("gone")
                for plus in [false, true] {
                    let listed = try await ListingTests.list(own, plus: plus)
                    let names = listed.map { String(decoding: $0.name, as: UTF8.self) }
                    #expect(names.sorted() == [".", "..", "new", "stays"])
                    let sizes = listed.compactMap { $0.entry?.attributes.size }
                    #expect(sizes.sorted() == (plus ? [3, 4] : []))
                }
            }
        }
    }
}
