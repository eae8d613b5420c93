import BlockStore
import EventLoop
import Testing
import sterna_block

/// What is left of the descriptors of a process for its disks and its connections.
@Suite struct DescriptorShareTests {
    @Test("everything fits, or both sides have something", arguments: [1, 8, 60], [1024, 4096, 65_536, 1 << 20])
    func shares(disks: Int, descriptors: Int) {
        let shares = DescriptorShares(disks: disks, descriptors: descriptors)
        let wanted = disks * (BlockDisk.descriptors + shares.recentFilesPerDisk)
        #expect(shares.disks == min(wanted, descriptors / 2))
        #expect((16...256).contains(shares.recentFilesPerDisk))
        #expect(shares.recentFilesPerDisk == 256 || shares.recentFilesPerDisk == 16
            || disks * shares.recentFilesPerDisk <= descriptors / 8)
    }

    @Test("eight disks and a thousand clients have enough of 4,096") func few() {
        let shares = DescriptorShares(disks: 8, descriptors: 4096)
        #expect(shares.disks == 8 * (BlockDisk.descriptors + shares.recentFilesPerDisk))
        #expect(shares.disks + 200 + 2 * 1000 <= 4096)
    }
}
