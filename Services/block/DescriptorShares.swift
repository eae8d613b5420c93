import BlockStore

/// How many of the descriptors that the process may have are for its disks; the rest is for connections.
package struct DescriptorShares {
    /// Files that one disk keeps open for the next small fetch (`RecentFiles`).
    package let recentFilesPerDisk: Int
    /// What all disks may hold. Where that would be more than half of all, connections come first: what a disk cannot
    /// open is answered as an error of ours, and no disk is given up for it.
    package let disks: Int

    package init(disks count: Int, descriptors: Int) {
        recentFilesPerDisk = min(256, max(16, descriptors / 8 / count))
        disks = min(count * (BlockDisk.descriptors + recentFilesPerDisk), descriptors / 2)
    }
}
