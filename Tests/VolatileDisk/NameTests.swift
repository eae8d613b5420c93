import Glibc
import TestSupport
import Testing
import VolatileDisk

/// What is left of names when a disk loses power.
@Suite struct NameTests {
    @Test("a name is lost when its directory was not synced, though the file was") func creation() throws {
        let disk = try DiskUnderTest()
        try disk.make("/f", "text")
        try disk.sync("/f")
        #expect(try disk.cut().names == 1)
        #expect(try disk.names("/") == [])
    }

    @Test("a renaming is undone when its directory was not synced") func renaming() throws {
        let disk = try DiskUnderTest()
        try disk.make("/old", "text")
        try disk.sync("/old", "/")
        try disk.rename("/old", "/new")
        #expect(try disk.names("/") == ["new"])
        try disk.cut()
        #expect(try disk.names("/") == ["old"])
        try disk.rename("/old", "/new")
        try disk.sync("/")
        try disk.cut()
        #expect(try disk.names("/") == ["new"])
        #expect(try disk.text("/new") == "text")
    }

    @Test("what a renaming replaced is back when its directory was not synced") func replacing() throws {
        let disk = try DiskUnderTest()
        try disk.make("/f", "old")
        try disk.sync("/f", "/")
        try disk.make("/tmp", "new")
        try disk.sync("/tmp")
        try disk.rename("/tmp", "/f")
        #expect(try disk.text("/f") == "new")
        try disk.cut()
        #expect(try disk.text("/f") == "old")
        #expect(try disk.names("/") == ["f"])
    }

    @Test("a deletion is undone when its directory was not synced, with the contents that were durable")
    func deletion() throws {
        let disk = try DiskUnderTest()
        try disk.make("/f", "text")
        try disk.sync("/f", "/")
        try disk.unlink("/f")
        #expect(try disk.names("/") == [])
        try disk.cut()
        #expect(try disk.text("/f") == "text")
        try disk.unlink("/f")
        try disk.sync("/")
        try disk.cut()
        #expect(try disk.names("/") == [])
    }

    @Test("a directory without a durable name takes everything in it along") func parents() throws {
        let disk = try DiskUnderTest()
        try disk.makeDirectory("/a")
        try disk.make("/a/f", "text")
        try disk.sync("/a/f", "/a")
        try disk.cut()
        #expect(try disk.names("/") == [])
    }

    @Test("of a renaming between directories both sides become durable with either", arguments: ["/a", "/b"])
    func betweenDirectories(synced: String) throws {
        let disk = try DiskUnderTest()
        for directory in ["/a", "/b"] { try disk.makeDirectory(directory) }
        try disk.make("/a/f", "text")
        try disk.sync("/a/f", "/a", "/b", "/")
        try disk.rename("/a/f", "/b/g")
        try disk.sync(synced)
        try disk.cut()
        #expect(try disk.names("/a") == [])
        #expect(try disk.text("/b/g") == "text")
    }

    @Test("what was moved out of a directory is not lost with it when only its deletion was synced")
    func movedOut() throws {
        let disk = try DiskUnderTest()
        for directory in ["/a", "/a/b", "/c"] { try disk.makeDirectory(directory) }
        try disk.make("/a/b/f", "text")
        try disk.sync("/a/b/f", "/a/b", "/a", "/c", "/")
        try disk.rename("/a/b/f", "/c/f")
        try disk.removeDirectory("/a/b")
        try disk.sync("/a")
        try disk.cut()
        #expect(try disk.names("/a") == [])
        #expect(try disk.text("/c/f") == "text")
    }

    @Test("a directory that is put in place whole lacks its entries when only its parent was synced")
    func renamedDirectory() throws {
        let disk = try DiskUnderTest()
        try disk.makeDirectory("/tmp")
        try disk.make("/tmp/f", "text")
        try disk.sync("/tmp/f")
        try disk.rename("/tmp", "/place")
        try disk.sync("/")
        try disk.cut()
        #expect(try disk.names("/") == ["place"])
        #expect(try disk.names("/place") == [])
    }

    @Test("a file with two names keeps the one whose directory was synced") func links() throws {
        let disk = try DiskUnderTest()
        try disk.makeDirectory("/a")
        try disk.sync("/")
        try disk.make("/f", "text")
        try disk.link("/f", "/a/g")
        try disk.sync("/f", "/a")
        try disk.unlink("/f")
        #expect(try disk.disk.node(at: "/a/g").links == 1)
        try disk.cut()
        #expect(try disk.text("/a/g") == "text")
        // The link builds on the file's first name, which was synced with it; its deletion was not.
        #expect(try disk.text("/f") == "text")
        #expect(try disk.disk.node(at: "/f").number == disk.disk.node(at: "/a/g").number)
    }

    @Test("power is lost below one directory only, and what was open there is out of reach") func oneDisk() throws {
        let disk = try DiskUnderTest()
        for path in ["/1", "/2"] {
            try disk.makeDirectory(path)
            try disk.make(path + "/f", "text")
        }
        try disk.sync("/")
        let open = try disk.disk.node(at: "/1/f")
        try disk.cut(below: "/1")
        #expect(try disk.names("/1") == [])
        #expect(try disk.text("/2/f") == "text")
        #expect(throws: DiskError(ESTALE)) { try disk.write(open, "more") }
        try disk.make("/1/f", "again")
        try disk.sync("/1/f", "/1")
        try disk.cut()
        #expect(try disk.text("/1/f") == "again")
        #expect(try disk.names("/2") == [])
    }

    @Test("everything can be made durable at once") func syncAll() throws {
        let disk = try DiskUnderTest()
        try disk.makeDirectory("/a")
        try disk.make("/a/f", "text")
        try disk.disk.syncAll(below: disk.disk.root)
        #expect(try disk.cut() == Losses())
        #expect(try disk.text("/a/f") == "text")
    }

    /// Programs that write a new file beside the old one, sync it, rename it over the old one and sync the directory.
    @Test("whatever survives, what was finished is there and what was under way is old or new")
    func replacementsSurvive() throws {
        var lost = 0
        for seed in 1...200 as ClosedRange<UInt64> {
            let disk = try DiskUnderTest(seed: seed, writesBack: true)
            var random = SeededGenerator(seed: seed)
            try disk.makeDirectory("/d")
            try disk.sync("/")
            var versions = 0
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                try disk.make("/d/tmp", "version \(versions + 1)")
                try disk.sync("/d/tmp")
                try disk.rename("/d/tmp", "/d/f")
                try disk.sync("/d")
                versions += 1
            }
            try disk.make("/d/tmp", "version \(versions + 1)")
            let isSynced = Bool.random(using: &random)
            if isSynced { try disk.sync("/d/tmp") }
            if isSynced { try disk.rename("/d/tmp", "/d/f") }
            lost += try disk.cut(Survival(probability: 0.5)).names
            let found = try disk.text("/d/f")
            #expect(found == "version \(versions)" || isSynced && found == "version \(versions + 1)")
        }
        #expect(lost > 50)
    }

    @Test("a change that builds on a lost one is lost, too") func chains() throws {
        for seed in 1...200 as ClosedRange<UInt64> {
            let disk = try DiskUnderTest(seed: seed)
            try disk.make("/a", "text")
            try disk.sync("/a")
            for (old, new) in [("/a", "/b"), ("/b", "/c"), ("/c", "/d")] { try disk.rename(old, new) }
            try disk.cut(Survival(probability: 0.7))
            #expect(try disk.names("/").count <= 1)
        }
    }

    @Test("refusals are those of any disk") func refusals() throws {
        let disk = try DiskUnderTest()
        try disk.makeDirectory("/a")
        try disk.make("/a/f")
        try disk.make("/g")
        #expect(throws: DiskError(ENOTEMPTY)) { try disk.removeDirectory("/a") }
        #expect(throws: DiskError(EEXIST)) { try disk.make("/g") }
        #expect(throws: DiskError(EISDIR)) { try disk.rename("/g", "/a") }
        #expect(throws: DiskError(EINVAL)) { try disk.rename("/a", "/a/b") }
        #expect(throws: DiskError(ENOENT)) { try disk.unlink("/h") }
        #expect(throws: DiskError(ENAMETOOLONG)) { try disk.make("/" + String(repeating: "x", count: 256)) }
    }
}
