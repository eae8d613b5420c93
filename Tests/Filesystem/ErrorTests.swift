import Client
import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// The first error of a file sticks.
    @Suite struct ErrorTests {
        private static let tooFar: UInt64 = 16 << 40

        @Test func aFailedWriteFailsEverythingAfterIt() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let created = try await own.create("f")
                let handle = created.opened.handle
                try await own.write(handle, "a")
                #expect(try await code { try await own.write(handle, "b", at: Self.tooFar) } == EFBIG)
                #expect(try await code { try await own.write(handle, "c", at: 1) } == EFBIG)
                #expect(try await code { try await own.filesystem.synchronize(handle) } == EFBIG)
                #expect(try await code { try await own.close(handle) } == EFBIG)
                #expect(try await code { _ = try await own.node("f") } == ENOENT)
                #expect(own.losses.lines == ["write EFBIG", "close EFBIG"])
            }
        }

        @Test func whatStoodThereStays() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let node = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                let handle = try await own.open("f", .truncating)
                #expect(try await code { try await own.write(handle, "b", at: Self.tooFar) } == EFBIG)
                #expect(try await code { try await own.close(handle) } == EFBIG)
                for host in [own, other] { #expect(try await host.contents("f") == "old") }
                // The observer has truncated what it had.
                #expect(own.observer.changes == [.content(node)])
            }
        }

        @Test func emptyingMakesWhole() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let created = try await own.create("f")
                let handle = created.opened.handle
                #expect(try await code { try await own.write(handle, "b", at: Self.tooFar) } == EFBIG)
                _ = try await own.filesystem.setAttributes(
                    created.entry.node, AttributeChange(size: 0), through: handle)
                try await own.write(handle, "whole")
                try await own.close(handle)
                #expect(try await own.contents("f") == "whole")
            }
        }

        @Test func anImpossibleSizeIsForgotten() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let created = try await own.create("f")
                let node = created.entry.node
                let change = AttributeChange(size: Self.tooFar + 1)
                #expect(
                    try await code {
                        _ = try await own.filesystem.setAttributes(node, change, through: created.opened.handle)
                    } == EFBIG)
                try await own.write(created.opened.handle, "fine")
                try await own.close(created.opened.handle)
                #expect(try await own.contents("f") == "fine")
            }
        }

        @Test func aRefusedEditOfAFinishedFileFailsItsClose() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("f", "old")
                let handle = try await own.open("f", .writing)
                #expect(try await code { try await own.write(handle, "x", at: Self.tooFar) } == EFBIG)
                #expect(try await code { try await own.write(handle, "x", at: 3) } == EFBIG)
                #expect(try await code { try await own.filesystem.synchronize(handle) } == EFBIG)
                #expect(try await code { try await own.close(handle) } == EFBIG)
                #expect(try await own.contents("f") == "old")
                #expect(own.losses.lines == ["write EFBIG"])
                // Who opens it now has nothing to do with that.
                let another = try await own.open("f", .writing)
                try await own.write(another, "new", at: 3)
                try await own.close(another)
                #expect(try await own.contents("f") == "oldnew")
            }
        }

        @Test func whoHasAFileOpenThatFailedLearnsOfItToo() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("f", "old")
                let handles = [try await own.open("f", .writing), try await own.open("f", .writing)]
                try await own.write(handles[0], "new", at: 0)
                #expect(try await code { try await own.write(handles[1], "b", at: Self.tooFar) } == EFBIG)
                #expect(try await code { try await own.filesystem.synchronize(handles[0]) } == EFBIG)
                #expect(try await code { try await own.close(handles[0]) } == EFBIG)
                #expect(try await code { try await own.close(handles[1]) } == EFBIG)
                #expect(try await own.contents("f") == "old")
            }
        }

        @Test func aFailedPublicationSticksToItsHandles() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "base")
                let mine = try await own.open("f", .writing)
                try await own.write(mine, "mine", at: 0)
                try await other.edit("f", "theirs", at: 0)
                #expect(try await code { try await own.filesystem.synchronize(mine) } == ESTALE)
                #expect(try await code { try await own.write(mine, "more", at: 4) } == ESTALE)
                #expect(try await code { try await own.filesystem.synchronize(mine) } == ESTALE)
                #expect(try await code { try await own.close(mine) } == ESTALE)
                for host in hosts { #expect(try await host.contents("f") == "theirs") }
                #expect(own.losses.lines == ["fsync ESTALE"])
            }
        }

        @Test func handlesDoWhatTheyWereOpenedFor() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("f", "old")
                let handle = try await own.open("f", .reading)
                #expect(try await code { try await own.write(handle, "x", at: 3) } == EBADF)
                try await own.close(handle)
                #expect(try await code { _ = try await own.read(handle) } == EBADF)
                #expect(
                    try await code {
                        _ = try await own.filesystem.open(own.directory, .reading, by: .unknown)
                    } == EISDIR)
            }
        }
    }
}
