import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// Files that are being written, and how they end.
    @Suite struct StagingTests {
        @Test func aFileAppearsWhenItIsClosed() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let created = try await own.create("f")
                let handle = created.opened.handle
                try await own.write(handle, "hello")
                // Only its host sees it, with what was written.
                #expect(try await own.node("f") == created.entry.node)
                #expect(try await own.filesystem.attributes(created.entry.node).size == 5)
                #expect(try await own.read(handle) == "hello")
                #expect(try await code { _ = try await other.node("f") } == ENOENT)
                #expect(try await code { _ = try await own.create("f") } == EEXIST)
                #expect(
                    try await code {
                        _ = try await own.filesystem.makeDirectory(Array("f".utf8), in: own.directory)
                    } == EEXIST)
                try await own.close(handle)
                #expect(try await other.contents("f") == "hello")
                #expect(try await own.contents("f") == "hello")
                #expect(try await own.node("f") == created.entry.node)
            }
        }

        @Test func aTimeThatWasSetIsNotThatOfWhatIsWrittenLater() async throws {
            try await Host.run(2) { hosts in
                let own = hosts[0]
                let chosen = Timestamp(nanoseconds: 5_000_000_000)
                let created = try await own.create("f")
                let (node, handle) = (created.entry.node, created.opened.handle)
                func choose() async throws {
                    let change = AttributeChange(modified: .at(chosen))
                    let seen = try await own.filesystem.setAttributes(node, change, through: nil)
                    #expect(seen.modified == chosen)
                }
                try await choose()
                try await own.write(handle, "text")
                #expect(try await own.filesystem.attributes(node).modified > chosen)
                try await choose()
                // Of a mapping, in which it was changed before.
                try await own.filesystem.write(handle, [1], at: 0, appends: false, isPage: true)
                #expect(try await own.filesystem.attributes(node).modified == chosen)
                try await own.close(handle)
                for host in hosts {
                    let seen = try await host.filesystem.attributes(try await host.node("f"))
                    #expect(seen.modified == chosen)
                }
            }
        }

        @Test func truncationReplacesAtTheClose() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old contents")
                let before = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                let handle = try await own.open("f", .truncating)
                try await own.write(handle, "new")
                #expect(try await other.contents("f") == "old contents")
                #expect(own.observer.changes == [])
                try await own.close(handle)
                #expect(try await other.contents("f") == "new")
                // It is the same file still, for everybody.
                #expect(try await own.filesystem.attributes(before).size == 3)
                #expect(own.observer.changes == [])
                await own.filesystem.forget(before, 10)
                for host in hosts { #expect(try await host.node("f") == before) }
            }
        }

        @Test func whatIsRemovedWhileOpenStaysAwayAndUsable() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let created = try await own.create("f")
                let handle = created.opened.handle
                try await own.write(handle, "he")
                try await own.unlink("f")
                #expect(try await code { _ = try await own.node("f") } == ENOENT)
                try await own.write(handle, "llo", at: 2)
                #expect(try await own.read(handle) == "hello")
                #expect(try await own.filesystem.attributes(created.entry.node).links == 0)
                // The name is free for another one.
                try await own.store("f", "another")
                try await own.close(handle)
                #expect(try await own.contents("f") == "another")
            }
        }

        @Test func aRemovedFinishedFileCanBeWrittenInVain() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("f", "old")
                let handle = try await own.open("f", .writing)
                try await own.unlink("f")
                try await own.write(handle, " and more", at: 3)
                #expect(try await own.read(handle) == "old and more")
                try await own.close(handle)
                #expect(try await code { _ = try await own.node("f") } == ENOENT)
            }
        }

        @Test func aStagedFileIsRenamed() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("taken", "old")
                let handle = try await own.create("f").opened.handle
                try await own.write(handle, "new")
                #expect(try await code { try await own.rename("f", to: "taken", replaces: false) } == EEXIST)
                try await own.rename("f", to: "g")
                try await own.rename("g", to: "taken")
                #expect(try await code { _ = try await own.node("g") } == ENOENT)
                #expect(try await other.contents("taken") == "old")
                try await own.close(handle)
                #expect(try await other.contents("taken") == "new")
                #expect(try await code { _ = try await other.node("f") } == ENOENT)
            }
        }

        @Test func theReplacedFileGoesWithARename() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let handle = try await own.open("f", .truncating)
                try await own.write(handle, "new")
                try await own.rename("f", to: "g")
                #expect(try await code { _ = try await other.node("f") } == ENOENT)
                try await own.close(handle)
                #expect(try await other.contents("g") == "new")
                #expect(try await code { _ = try await own.node("f") } == ENOENT)
            }
        }

        @Test func whatTheKilledHaveWrittenIsScrapped() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for name in ["lost", "kept"] {
                    let handle = try await own.create(name).opened.handle
                    try await own.write(handle, "half a lin")
                    if name == "kept" { try await own.filesystem.synchronize(handle) }
                    try await own.filesystem.close(handle, by: TestCreators.killed)
                    await own.filesystem.release(handle)
                }
                // fsync had said that it is stored.
                #expect(try await code { _ = try await own.node("lost") } == ENOENT)
                #expect(try await other.contents("kept") == "half a lin")
                #expect(own.observer.changes == [.name(Array("lost".utf8))])
            }
        }

        @Test func aNameThatWasTakenOverInVainLeadsToTheOldFileAgain() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("taken", "old")
                let handle = try await own.create("f").opened.handle
                try await own.write(handle, "half")
                try await own.rename("f", to: "taken")
                #expect(try await own.contents("taken") == "half")
                let node = try await own.filesystem.lookup(Array("taken".utf8), in: own.directory).node
                try await own.filesystem.close(handle, by: TestCreators.killed)
                await own.filesystem.release(handle)
                #expect(own.observer.changes == [.name(Array("taken".utf8))])
                #expect(try await own.contents("taken") == "old")
                // A kernel that has not heard of it yet looks the name up again.
                #expect(try await code { _ = try await own.filesystem.attributes(node) } == ESTALE)
            }
        }

        @Test func aNameThatWasTakenOverAndLeftLeadsNowhere() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("taken", "old")
                let handle = try await own.create("f").opened.handle
                try await own.rename("f", to: "taken")
                #expect(try await other.contents("taken") == "old")
                try await own.rename("taken", to: "g")
                for name in ["taken", "g"] {
                    #expect(try await code { _ = try await other.node(name) } == ENOENT)
                }
                try await own.write(handle, "new")
                try await own.close(handle)
                #expect(try await other.contents("g") == "new")
            }
        }

        @Test func whatIsRemovedIsReadAsLongAsItIsOpen() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let handle = try await own.create("f").opened.handle
                try await own.write(handle, "for readers")
                let reading = try await own.open("f", .reading)
                try await own.unlink("f")
                try await own.close(handle)
                #expect(try await own.read(reading) == "for readers")
                try await own.close(reading)
                #expect(try await code { _ = try await own.node("f") } == ENOENT)
            }
        }

        /// truncate("/proc/self/fd/N") of a file that has no name any more.
        @Test func whatIsRemovedIsNotMadeAgainByTruncation() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for size in [0, 2] as [UInt64] {
                    try await own.store("f", "old")
                    let node = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                    let handle = try await own.open("f", .reading)
                    try await own.unlink("f")
                    _ = try? await own.filesystem.setAttributes(node, AttributeChange(size: size), through: nil)
                    try await own.close(handle)
                    for host in [own, other] {
                        #expect(try await code { _ = try await host.node("f") } == ENOENT)
                    }
                }
            }
        }

        @Test func anAnswerThatNobodyHeardLeavesNothing() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let created = try await own.create("f")
                await own.filesystem.takeBack(created)
                try await own.store("g", "old")
                let entry = try await own.filesystem.lookup(Array("g".utf8), in: own.directory)
                let opened = try await own.filesystem.open(entry.node, .truncating, by: .unknown)
                await own.filesystem.takeBack(opened)
                await own.filesystem.takeBack(entry)
                for host in [own, other] {
                    #expect(try await code { _ = try await host.node("f") } == ENOENT)
                    #expect(try await host.contents("g") == "old")
                }
            }
        }

        @Test func theEndPublishesWhatNobodyHolds() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for name in ["done", "held"] { try await own.write(try await own.create(name).opened.handle, name) }
                await own.filesystem.endAll(afterLastRelease: true)
                #expect(try await other.contents("done") == "done")
                #expect(try await code { _ = try await other.node("held") } == ENOENT)
                try await other.write(try await other.create("open").opened.handle, "open")
                await other.filesystem.endAll(afterLastRelease: false)
                #expect(try await code { _ = try await other.node("open") } == ENOENT)
            }
        }

        @Test(arguments: [true, false]) func whatTheEndCutsOffIsNotBegunAnew(isNew: Bool) async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old contents")
                let name = isNew ? "new" : "f"
                let handle = isNew ? try await own.create(name).opened.handle : try await own.open(name, .writing)
                let idle = try await own.open("f", .writing)
                try await own.write(handle, "NEW")
                await own.filesystem.endAll(afterLastRelease: false)
                // Requests are served until everything has ended.
                #expect(try await code { try await own.write(handle, "more", at: 3) } == EIO)
                #expect(try await code { try await own.filesystem.synchronize(handle) } == EIO)
                #expect(try await code { try await own.close(handle) } == EIO)
                #expect(try await code { try await own.write(idle, "more", at: 3) } == EIO)
                #expect(try await code { _ = try await own.create("another") } == EIO)
                #expect(try await code { _ = try await own.open("f", .truncating) } == EIO)
                #expect(try await other.contents("f") == "old contents")
                #expect(try await code { _ = try await other.node("new") } == ENOENT)
                #expect(own.losses.lines == (isNew ? ["end EIO", "write EIO"] : ["end EIO"]))
            }
        }

        @Test func whatIsBegunWhileAllEndsIsRefused() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let handle = try await own.open("f", .writing)
                await own.lose([own.directory.inode.shard])
                let written = await own.begin { try await own.write(handle, "new") }
                await own.filesystem.endAll(afterLastRelease: false)
                try await own.reach()
                #expect(await written.value == EIO)
                #expect(try await code { try await own.close(handle) } == EIO)
                #expect(try await other.contents("f") == "old")
                #expect(own.losses.lines == ["write EIO"])
            }
        }

        @Test func whatHadNoNameIsNoLossAtTheEnd() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("edited", "old")
                for handle in [try await own.create("new").opened.handle, try await own.open("edited", .writing)] {
                    try await own.write(handle, "temporary")
                }
                try await own.unlink("new")
                try await own.unlink("edited")
                await own.filesystem.endAll(afterLastRelease: false)
                #expect(own.losses.lines == [])
            }
        }

        @Test func descriptorsShareAStagedFile() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let first = try await own.create("f").opened.handle
                let second = try await own.open("f", .writing)
                try await own.write(first, "one")
                try await own.write(second, " two", at: 3)
                try await own.close(first)
                #expect(try await code { _ = try await other.node("f") } == ENOENT)
                try await own.close(second)
                #expect(try await other.contents("f") == "one two")
            }
        }
    }
}
