import Glibc
import TestSupport
import Testing
import VolatileDisk

/// What is left of the bytes of a file when its disk loses power.
@Suite struct ContentTests {
    private func diskWithFile(_ text: String) throws -> DiskUnderTest {
        let disk = try DiskUnderTest()
        try disk.make("/f", text)
        try disk.sync("/f", "/")
        return disk
    }

    @Test("what was synced survives") func syncedSurvives() throws {
        let disk = try diskWithFile("synced")
        #expect(try disk.cut() == Losses())
        #expect(try disk.text("/f") == "synced")
    }

    @Test("what was not synced does not, and programs saw it until then") func unsyncedIsLost() throws {
        let disk = try diskWithFile("old")
        try disk.write(try disk.disk.node(at: "/f"), "new and longer")
        #expect(try disk.text("/f") == "new and longer")
        let losses = try disk.cut()
        #expect(losses.pages == 1 && losses.files == 1)
        #expect(try disk.text("/f") == "old")
    }

    @Test("a name that was synced without its contents leads to an empty file") func nameWithoutContents() throws {
        let disk = try DiskUnderTest()
        try disk.make("/f", "never synced")
        try disk.sync("/")
        try disk.cut()
        #expect(try disk.text("/f") == "")
    }

    @Test("a truncation that was not synced is undone; bytes that were cut off read as zeros when the file grows")
    func truncation() throws {
        let disk = try diskWithFile("0123456789")
        let node = try disk.disk.node(at: "/f")
        try disk.disk.resize(node, to: 4)
        try disk.disk.resize(node, to: 8)
        #expect(try disk.bytes("/f") == Array("0123".utf8) + [0, 0, 0, 0])
        try disk.cut()
        #expect(try disk.text("/f") == "0123456789")
        try disk.disk.resize(try disk.disk.node(at: "/f"), to: 4)
        try disk.disk.resize(try disk.disk.node(at: "/f"), to: 8)
        try disk.sync("/f")
        try disk.cut()
        #expect(try disk.bytes("/f") == Array("0123".utf8) + [0, 0, 0, 0])
    }

    @Test("writes at any place and of any length read back, before and after a sync") func randomWrites() throws {
        let disk = try DiskUnderTest(writesBack: true)
        let node = try disk.make("/f")
        var model: [UInt8] = []
        var random = SeededGenerator(seed: 17)
        for step in 0..<400 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                let size = Int.random(in: 0...40_000, using: &random)
                try disk.disk.resize(node, to: size)
                model = Array(model.prefix(size)) + [UInt8](repeating: 0, count: max(0, size - model.count))
            case 1: try disk.sync("/f")
            default:
                let offset = Int.random(in: 0...30_000, using: &random)
                let count = Int.random(in: 1...9000, using: &random)
                let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: step | 1), count: count)
                try disk.write(node, bytes, at: offset)
                let missing = max(0, offset + bytes.count - model.count)
                model += [UInt8](repeating: 0, count: missing)
                model.replaceSubrange(offset..<offset + bytes.count, with: bytes)
            }
            #expect(try disk.bytes("/f") == model)
        }
        try disk.sync("/f", "/")
        try disk.cut()
        #expect(try disk.bytes("/f") == model)
    }

    @Test("after a sync that failed its bytes are read until the power is cut, and no later sync writes them")
    func failedSync() throws {
        let disk = try diskWithFile("old")
        try disk.write(try disk.disk.node(at: "/f"), "NEW")
        disk.disk.plant(Fault(.failSync, below: "/f", times: 1))
        #expect(throws: DiskError(EIO)) { try disk.sync("/f") }
        #expect(try disk.text("/f") == "NEW")
        try disk.sync("/f")
        #expect(try disk.text("/f") == "NEW")
        try disk.cut()
        #expect(try disk.text("/f") == "old")
    }

    @Test("after a sync that failed, what is written once more and synced is durable") func writtenAgain() throws {
        let disk = try diskWithFile("old")
        let node = try disk.disk.node(at: "/f")
        try disk.write(node, "NEW")
        disk.disk.plant(Fault(.failSync, below: "/", times: 1))
        #expect(throws: DiskError(EIO)) { try disk.sync("/f") }
        try disk.write(node, "NEW")
        try disk.sync("/f")
        try disk.cut()
        #expect(try disk.text("/f") == "NEW")
    }

    @Test("of unsynced pages any may survive, also parts of them, by sectors; never anything else")
    func partsSurvive() throws {
        var (wholes, parts) = (0, 0)
        for seed in 1...40 as ClosedRange<UInt64> {
            let disk = try DiskUnderTest(seed: seed)
            let node = try disk.make("/f")
            try disk.write(node, [UInt8](repeating: 1, count: 8 * 4096))
            try disk.sync("/f", "/")
            try disk.write(node, [UInt8](repeating: 2, count: 8 * 4096))
            try disk.cut(Survival(probability: 0.5))
            let bytes = try disk.bytes("/f")
            #expect(bytes.count == 8 * 4096)
            for page in 0..<8 {
                let sectors = (0..<8).map { Set(bytes[(page * 8 + $0) * 512..<(page * 8 + $0 + 1) * 512]) }
                #expect(sectors.allSatisfy { $0 == [1] || $0 == [2] })
                let new = sectors.count { $0 == [2] }
                if new == 8 { wholes += 1 } else if new > 0 { parts += 1 }
            }
        }
        #expect(wholes > 20 && parts > 5)
    }

    @Test("a disk that lies forgets also what was synced") func lies() throws {
        let disk = try diskWithFile("old")
        disk.disk.plant(Fault(.ignoreSync, below: "/f"))
        try disk.write(try disk.disk.node(at: "/f"), "new")
        try disk.sync("/f")
        try disk.cut()
        #expect(try disk.text("/f") == "old")
    }

    @Test("bits rot on the medium") func rot() throws {
        let disk = try diskWithFile("0123456789")
        try disk.disk.rot(try disk.disk.node(at: "/f"))
        let differing = zip(try disk.bytes("/f"), Array("0123456789".utf8)).map { ($0 ^ $1).nonzeroBitCount }
        #expect(differing.reduce(0, +) == 1)
    }

    @Test("a full disk refuses what needs room, and takes what does not") func full() throws {
        let disk = try diskWithFile(String(repeating: "x", count: 8192))
        disk.disk.plant(Fault(.full, below: "/"))
        let node = try disk.disk.node(at: "/f")
        try disk.write(node, "here is room")
        #expect(throws: DiskError(ENOSPC)) { try disk.write(node, "here is none", at: 8192) }
        #expect(throws: DiskError(ENOSPC)) { try disk.make("/g") }
        disk.disk.heal("/")
        try disk.write(node, "now there is", at: 8192)
    }

    @Test("writes fail where they are told to, as often as they are told to") func failedWrites() throws {
        let disk = try diskWithFile("old")
        try disk.makeDirectory("/f-other")
        try disk.make("/f-other/g")
        disk.disk.plant(Fault(.failWrite, below: "/f", times: 2))
        try disk.write(try disk.disk.node(at: "/f-other/g"), "elsewhere")
        for _ in 0..<2 {
            #expect(throws: DiskError(EIO)) { try disk.write(try disk.disk.node(at: "/f"), "new") }
        }
        try disk.write(try disk.disk.node(at: "/f"), "new")
        disk.disk.plant(Fault(.failResize, below: "/f", times: 1))
        #expect(throws: DiskError(EIO)) { try disk.disk.resize(try disk.disk.node(at: "/f"), to: 1) }
        #expect(try disk.disk.node(at: "/f").size == 3)
        try disk.disk.resize(try disk.disk.node(at: "/f"), to: 1)
    }

    @Test("a listing breaks off where it is told to") func failedListings() throws {
        let disk = try diskWithFile("old")
        disk.disk.plant(Fault(.failList, below: "/", times: 1))
        #expect(throws: DiskError(EIO)) { try disk.disk.endListing(of: disk.disk.root) }
        try disk.disk.endListing(of: disk.disk.root)
    }
}
