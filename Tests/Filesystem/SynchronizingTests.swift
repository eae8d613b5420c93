import Client
import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// fsync, snapshots, and names that only one may make.
    @Suite struct SynchronizingTests {
        @Test func fsyncPublishesThroughAnyDescriptor() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let handle = try await own.create("f").opened.handle
                let reading = try await own.open("f", .reading)
                try await own.write(handle, "one")
                try await own.filesystem.synchronize(reading)
                #expect(try await other.contents("f") == "one")
                try await own.write(handle, " two", at: 3)
                #expect(try await other.contents("f") == "one")
                // What was published stays even if its writer is killed; what came after it goes.
                try await own.filesystem.close(handle, by: TestCreators.killed)
                await own.filesystem.release(handle)
                #expect(try await own.read(reading) == "one")
                for host in hosts { #expect(try await host.contents("f") == "one") }
            }
        }

        @Test func allIsSyncedAtOnce() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                var handles: [HandleID] = []
                for name in ["a", "b", "c"] {
                    let handle = try await own.create(name).opened.handle
                    try await own.write(handle, "of \(name)")
                    handles.append(handle)
                }
                try await own.unlink("c")
                try await own.filesystem.synchronizeAll()
                #expect(try await other.contents("a") == "of a")
                #expect(try await other.contents("b") == "of b")
                try await own.write(handles[0], " again", at: 4)
                try await own.filesystem.synchronizeAll()
                #expect(try await other.contents("a") == "of a again")
                // There is nothing more to do, and nobody's closes are done for him.
                try await own.filesystem.synchronizeAll()
                for handle in handles { try await own.close(handle) }
                for host in hosts { #expect(try await host.contents("b") == "of b") }
            }
        }

        @Test func whatCannotBeSyncedIsToldAfterTheOthers() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("a", "old")
                let edited = try await own.open("a", .writing)
                try await own.write(edited, "mine", at: 0)
                let good = try await own.create("b").opened.handle
                try await own.write(good, "good")
                try await other.edit("a", "theirs", at: 0)
                await #expect(throws: FilesystemError.self) { try await own.filesystem.synchronizeAll() }
                #expect(try await other.contents("a") == "theirs")
                #expect(try await other.contents("b") == "good")
                try await own.close(good)
            }
        }

        @Test func whatDidNotChangeIsNotPublished() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let handle = try await own.create("f").opened.handle
                try await own.write(handle, "one")
                try await own.filesystem.synchronize(handle)
                let version = try await own.version("f")
                try await own.filesystem.synchronize(handle)
                try await own.filesystem.allocate(handle, .keepSize, 0..<100)
                try await own.truncate("f", to: 3, through: handle)
                try await own.close(handle)
                #expect(try await own.version("f") == version)
            }
        }

        @Test func onlyWhatWasChangedLeavesASnapshot() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("f", "one")
                // Adding to it leaves none, nor does what is published on the way.
                try await own.append("f", " two")
                let handle = try await own.open("f", .writing)
                for turn in 0..<5 {
                    try await own.write(handle, "\(turn)", at: 0)
                    try await own.filesystem.synchronize(handle)
                }
                try await own.close(handle)
                #expect(try await own.contents("f") == "4ne two")
                #expect(try await own.snapshots("f") == ["one two"])
            }
        }

        @Test func aDirectoryMayAskForTheVersionsThatAreOnlyAddedTo() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("f", "one")
                try await own.append("f", " two")
                let (client, directory) = (own.filesystem.client, own.directory.inode)
                try await client.setPolicy(ContinuationPolicy(leavesSnapshot: true), of: directory)
                try await own.append("f", " three")
                #expect(try await own.snapshots("f") == ["one two"])
                try await client.clearPolicy(.continuation, of: directory)
                try await own.append("f", " four")
                #expect(try await own.snapshots("f") == ["one two"])
                #expect(try await own.contents("f") == "one two three four")
            }
        }

        @Test(arguments: [false, true])
        func versionsOfDifferentProgramsLeaveSnapshotsWhoeverElseHasTheFileOpen(syncs: Bool) async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("f", "one")
                let idle = try await own.open("f", .writing)
                for text in ["two", "six"] {
                    let handle = try await own.open("f", .writing)
                    try await own.write(handle, text)
                    if syncs { try await own.synchronize(handle) }
                    try await own.finish(handle)
                }
                try await own.close(idle)
                #expect(try await own.contents("f") == "six")
                #expect(try await own.snapshots("f").sorted() == ["one", "two"])
            }
        }

        /// The accident that snapshots are for, while a database has the file open.
        @Test(arguments: 0..<4) func whatAnotherProgramOverwritesLeavesASnapshot(way: Int) async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let database = try await own.create("f").opened.handle
                for text in ["two", "one"] {
                    try await own.write(database, text)
                    try await own.synchronize(database)
                }
                #expect(try await own.snapshots("f") == [])
                switch way {
                case 0: try await own.truncate("f", to: 1)
                case 1:
                    let handle = try await own.open("f", .truncating)
                    try await own.write(handle, "six")
                    try await own.finish(handle)
                case 2:
                    let handle = try await own.open("f", .writing)
                    try await own.write(handle, "six")
                    try await own.synchronize(handle)
                    try await own.finish(handle)
                default:
                    let handle = try await own.open("f", .writing)
                    try await own.filesystem.allocate(handle, .punchHole, 0..<1)
                    try await own.finish(handle)
                }
                #expect(try await own.snapshots("f") == ["one"])
                // What was put there instead is somebody's as well, and was on nobody's way.
                let other = try await own.contents("f")
                for text in ["new", "end"] {
                    try await own.write(database, text)
                    try await own.synchronize(database)
                }
                try await own.close(database)
                #expect(try await own.contents("f") == "end")
                #expect(try await own.snapshots("f").sorted() == [other, "one"].sorted())
            }
        }

        @Test func whoWroteAVersionTogetherGoesOnFromItTogether() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let first = try await own.create("f").opened.handle
                let second = try await own.open("f", .writing)
                for text in ["a", "b", "c"] {
                    try await own.write(first, text)
                    try await own.write(second, text, at: 1)
                    try await own.synchronize(first)
                }
                try await own.write(second, "d")
                try await own.synchronize(second)
                for handle in [first, second] { try await own.close(handle) }
                #expect(try await own.contents("f") == "dc")
                #expect(try await own.snapshots("f") == [])
            }
        }

        @Test func storingKeepsInvisible() async throws {
            var options = FilesystemOptions()
            options.synchronization = .store
            try await Host.run(2, options: options) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let handle = try await own.create("f").opened.handle
                try await own.write(handle, "stored")
                try await own.filesystem.synchronize(handle)
                #expect(try await code { _ = try await other.node("f") } == ENOENT)
                try await own.close(handle)
                #expect(try await other.contents("f") == "stored")
            }
        }

        @Test func whatOthersHaveTakenIsNotStored() async throws {
            var options = FilesystemOptions()
            options.synchronization = .store
            try await Host.run(2, options: options) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "new")
                try await other.unlink("f")
                #expect(try await code { _ = try await own.node("f") } == ENOENT)
                #expect(try await code { try await own.synchronize(handle) } == ESTALE)
                #expect(try await code { try await own.close(handle) } == ESTALE)
                #expect(own.losses.lines == ["fsync ESTALE"])
            }
        }

        @Test func anExclusiveNameIsMadeOnce() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let mode = OpenMode(writes: true, isExclusive: true)
                let mine = try await own.create("lock", mode).opened.handle
                let theirs = try await other.create("lock", mode).opened.handle
                try await own.write(mine, "mine")
                try await other.write(theirs, "theirs")
                try await other.close(theirs)
                #expect(try await code { try await own.close(mine) } == EEXIST)
                for host in hosts { #expect(try await host.contents("lock") == "theirs") }
            }
        }

        @Test func anExclusiveNameCanBeReservedAtTheOpen() async throws {
            var options = FilesystemOptions()
            options.reservesExclusiveNames = true
            try await Host.run(2, options: options) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let mode = OpenMode(writes: true, isExclusive: true)
                let mine = try await own.create("lock", mode)
                #expect(try await code { _ = try await other.create("lock", mode) } == EEXIST)
                #expect(try await other.contents("lock") == "")
                try await own.write(mine.opened.handle, "mine")
                try await own.close(mine.opened.handle)
                #expect(try await other.contents("lock") == "mine")
                #expect(try await other.node("lock") == mine.entry.node)
                #expect(try await own.snapshots("lock") == [])
            }
        }
    }
}

extension Host {
    /// A program closes its only descriptor, whoever else has the file open.
    fileprivate func finish(_ handle: HandleID) async throws {
        try await filesystem.close(handle, by: TestCreators.finished)
        await filesystem.release(handle)
    }

    /// The version that the cluster knows under a name.
    fileprivate func version(_ name: String) async throws -> InodeID {
        try await filesystem.client.target(of: Array(name.utf8), in: directory.inode)
    }

    /// What the snapshots of a name hold, oldest first.
    fileprivate func snapshots(_ name: String) async throws -> [String] {
        let client = filesystem.client
        var contents: [String] = []
        for edge in try await client.readFullDirectory(directory.inode)
        where !edge.current && edge.name == Array(name.utf8) && edge.targetId.id.isFile {
            let data = try await client.open(edge.targetId.id).read(at: 0, count: 1 << 20)
            contents.append(String(decoding: data.bytes, as: UTF8.self))
        }
        return contents
    }
}
