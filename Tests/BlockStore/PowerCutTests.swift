import BlockStore
import Glibc
import Protocol
import TestSupport
import Testing

/// What is left of a disk without power, when the process before the last one died between a write and its sync.
///
/// A disk that ignores syncs leaves everything as such a process does: names and bytes that all programs see and that
/// are not on the medium.
@Suite(.timeLimit(.minutes(2))) struct PowerCutTests {
    private let mount: VolatileMount
    private let path: String

    init() throws {
        mount = try VolatileMount()
        path = mount.path + "/disk"
        guard mkdir(path, 0o755) == 0 else { throw POSIXFailure("make \(path)") }
        try mount.command("sync /")
    }

    private func open(smallBlockBytes: Int) throws -> BlockDisk {
        try BlockDisk(opening: path, options: BlockDiskOptions(smallBlockBytes: smallBlockBytes))
    }

    private func data(_ number: Int) -> [UInt8] {
        var random = SeededGenerator(seed: UInt64(number))
        return random.bytes(4096)
    }

    private func id(_ number: Int) -> BlockID { BlockID(rawValue: UInt64(number) << 8 | 3) }

    private func check(_ disk: BlockDisk, _ numbers: Range<Int>) throws {
        for number in numbers { #expect(try disk.load(id(number), count: 4096) == data(number)) }
    }

    @Test("what was stored survives", arguments: [0, 65536]) func storedSurvives(smallBlockBytes: Int) throws {
        var disk: BlockDisk? = try open(smallBlockBytes: smallBlockBytes)
        let service = disk?.id
        for number in 0..<20 { try disk?.store(id(number), data(number)) }
        try disk?.erase(id(19))
        disk = nil
        try mount.cutPower()
        let found = try open(smallBlockBytes: smallBlockBytes)
        #expect(found.id == service && found.blocks == 19)
        try check(found, 0..<19)
        #expect(throws: BlockStoreError.blockNotFound) { _ = try found.open(id(19)) }
    }

    @Test("the key and directories of a process that died before its syncs carry blocks only when they are durable")
    func unsyncedDirectories() throws {
        try mount.command("ignore-sync /disk")
        var disk: BlockDisk? = try open(smallBlockBytes: 0)
        try disk?.store(id(0), data(0))
        let service = disk?.id
        disk = nil
        try mount.command("heal /disk")
        disk = try open(smallBlockBytes: 0)
        #expect(disk?.id == service)
        try disk?.store(id(1), data(1))
        disk = nil
        try mount.cutPower()
        disk = try open(smallBlockBytes: 0)
        #expect(disk?.id == service)
        try check(try #require(disk), 1..<2)
    }

    @Test("small blocks that a start takes over from a process that died before its sync are durable then")
    func unsyncedSegments() throws {
        var disk: BlockDisk? = try open(smallBlockBytes: 65536)
        try disk?.store(id(0), data(0))
        let segments = names(in: path + "/small_blocks", endingIn: ".segment")
        #expect(segments.count == 1)
        for segment in segments { try mount.command("ignore-sync /disk/small_blocks/\(segment)") }
        for number in 1..<5 { try disk?.store(id(number), data(number)) }
        disk = nil
        try mount.command("heal /")
        disk = try open(smallBlockBytes: 65536)
        try check(try #require(disk), 0..<5)
        disk = nil
        try mount.cutPower()
        disk = try open(smallBlockBytes: 65536)
        try check(try #require(disk), 0..<5)
    }

    /// The batch could neither be synced nor cut off, and the page cache shows it.
    @Test("what a failed sync left of small blocks is not believed") func refusedSegment() throws {
        var disk: BlockDisk? = try open(smallBlockBytes: 65536)
        try disk?.store(id(0), data(0))
        let segment = try #require(names(in: path + "/small_blocks", endingIn: ".segment").first)
        for fault in ["fail-sync", "fail-resize"] { try mount.command("\(fault) /disk/small_blocks/\(segment)") }
        #expect(throws: BlockStoreError.self) { try disk?.store(id(1), data(1)) }
        disk = nil
        try mount.command("heal /disk/small_blocks/\(segment)")
        disk = try open(smallBlockBytes: 65536)
        try check(try #require(disk), 0..<2)
        disk = nil
        try mount.cutPower()
        disk = try open(smallBlockBytes: 65536)
        try check(try #require(disk), 0..<2)
    }

    @Test("a disk that was made with all above it is there") func newDisk() throws {
        let place = mount.path + "/machine/disks/0"
        var disk: BlockDisk? = try BlockDisk(opening: place)
        let service = disk?.id
        try disk?.store(id(0), data(0))
        disk = nil
        try mount.cutPower()
        disk = try BlockDisk(opening: place)
        #expect(disk?.id == service)
        try check(try #require(disk), 0..<1)
    }
}
