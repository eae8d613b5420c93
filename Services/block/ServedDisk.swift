import BlockStore
import EventLoop
import Protocol

/// A disk as it is served. Belongs to the loop; its disk, queue and health are for any thread.
final class ServedDisk {
    let disk: BlockDisk
    let storageClass: StorageClass
    let failureDomain: FailureDomain
    /// As the registry shows it.
    let announcedPath: String
    let queue: DiskQueue
    let health: DiskHealth
    /// For certificates and proofs.
    let mac: MACKey
    /// Blocks that were fetched lately, open.
    let recent: RecentFiles
    /// Somebody is trying how fast it writes; others wait, since anybody may.
    var isOnTrial = false
    /// Decommissioned before this process started: its blocks are the registry's matter now.
    var isDead = false
    /// The registry has decommissioned it at our request.
    var isGivenUp = false

    var id: BlockServiceID { disk.id }

    init(
        _ disk: BlockDisk, _ option: DiskOption, announcedPath: String, recentFiles: Int, queue: DiskQueue,
        health: DiskHealth
    ) {
        self.disk = disk
        recent = RecentFiles(limit: recentFiles)
        storageClass = option.storageClass
        failureDomain = FailureDomain(name: option.failureDomain)
        self.announcedPath = announcedPath
        self.queue = queue
        self.health = health
        mac = MACKey(disk.secretKey)
    }
}
