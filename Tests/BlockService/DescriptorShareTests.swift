import Testing
import sterna_block

/// What is left of the descriptors of a process for its disks and its connections.
@Suite struct DescriptorShareTests {
    /// How many a process may have, what its disks may hold of them, and the files that one disk keeps open. A disk
    /// needs 109 besides those.
    @Test(
        "everything fits, or both sides have half",
        arguments: [
            (1, 1024, 237, 128), (1, 4096, 365, 256), (1, 1 << 20, 365, 256),
            (8, 1024, 512, 16), (8, 4096, 1384, 64), (8, 65_536, 2920, 256),
            (60, 1024, 512, 16), (60, 4096, 2048, 16), (60, 65_536, 14_700, 136), (60, 1 << 20, 21_900, 256),
        ]
    )
    func shares(disks: Int, of descriptors: Int, held: Int, recent: Int) {
        let shares = DescriptorShares(disks: disks, descriptors: descriptors)
        #expect(shares.disks == held)
        #expect(shares.recentFilesPerDisk == recent)
    }

    @Test("eight disks and a thousand clients have enough of 4,096") func few() {
        #expect(DescriptorShares(disks: 8, descriptors: 4096).disks + 200 + 2 * 1000 <= 4096)
    }
}
