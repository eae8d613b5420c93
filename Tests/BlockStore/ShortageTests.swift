import BlockStore
import Glibc
import Protocol
import Testing

/// A process that may not open anything more. Each test is one of its own: the limit is the process's.
@Suite(.timeLimit(.minutes(2))) struct ShortageTests {
    /// From now on this process may open at most so many more, or as many as it could at first.
    static func mayOpen(_ count: Int?) throws {
        let next = open("/dev/null", O_RDONLY | O_CLOEXEC)
        if next >= 0 { close(next) }
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        try #require(getrlimit(resource, &limit) == 0)
        limit.rlim_cur = count.map { rlim_t(Int(next) + $0) } ?? limit.rlim_max
        try #require(setrlimit(resource, &limit) == 0)
    }

    @Test("without descriptors no disk is failing; without its key it is") func diskWithoutDescriptors() async {
        await #expect(processExitsWith: .success) {
            let temporary = try TemporaryDisk()
            let disk = try temporary.open()
            try ShortageTests.mayOpen(0)
            #expect(throws: BlockStoreError.self) { _ = try temporary.open() }
            #expect(!disk.isFailing())
            try #require(unlink(temporary.path + "/secret.key") == 0)
            #expect(disk.isFailing())
            try ShortageTests.mayOpen(nil)
        }
    }

    @Test("small blocks that could not be opened for want of descriptors are opened later") func indexLater() async {
        await #expect(processExitsWith: .success) {
            let temporary = try TemporaryDisk()
            let (block, data) = (BlockID(rawValue: 0x103), [UInt8](repeating: 7, count: 4096))
            try temporary.open(smallBlockBytes: 65536).store(block, data)
            // Enough for the disk, and not for its index.
            var found: BlockDisk?
            for count in 1..<64 where found == nil {
                try ShortageTests.mayOpen(nil)
                try ShortageTests.mayOpen(count)
                let disk = try? temporary.open(smallBlockBytes: 65536)
                if disk?.damage != nil { found = disk }
            }
            let disk = try #require(found)
            #expect(!disk.isFailing())
            disk.repairSmallBlocks()
            #expect(disk.damage != nil && !disk.isFailing())
            try ShortageTests.mayOpen(nil)
            disk.repairSmallBlocks()
            #expect(disk.damage == nil)
            #expect(try disk.load(block, count: 4096) == data)
        }
    }
}
