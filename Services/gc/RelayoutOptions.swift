import ArgumentParser
import Client
import Protocol
import Relayout

/// Whether and how fast stored data is put in better order.
struct RelayoutOptions: ParsableArguments {
    @Flag(help: "Store spans anew whose class, parity or cut is not what their directory's policies say today.")
    var defrag = false

    @Option(help: "Seconds between two looks through all files.")
    var defragInterval: UInt32 = 86_400

    @Option(help: "Bytes of contents to store anew per second at most; 0: no limit.")
    var defragBytesPerSecond: UInt64 = 32 << 20

    @Option(help: "Spans of fewer bytes are let be.")
    var defragMinSpanSize: UInt32 = 0

    @Option(help: "Only spans that are in this class now, hdd or flash.")
    var defragStorageClass: String?

    @Option(help: "Files of a shard's directory that are stored anew at the same time.")
    var defragFilesAtOnce = 2

    @Option(help: "Shards whose directories are looked through at the same time.")
    var defragShardsAtOnce = 2

    @Flag(help: "Move blocks from full disks to emptier ones of the same class.")
    var rebalance = false

    @Option(help: "Differences of so many points (percent of the capacity) are let be.")
    var rebalanceMargin = 10.0

    @Option(help: "Bytes to move per second at most; 0: no limit.")
    var rebalanceBytesPerSecond: UInt64 = 32 << 20

    func validate() throws {
        guard defragFilesAtOnce > 0, (1...256).contains(defragShardsAtOnce) else {
            throw ValidationError("--defrag-files-at-once and --defrag-shards-at-once must be at least 1")
        }
        guard (0.1...100).contains(rebalanceMargin) else {
            throw ValidationError("--rebalance-margin must be between 0.1 and 100")
        }
        guard defragStorageClass == nil || storageClass != nil else {
            throw ValidationError("--defrag-storage-class must be hdd or flash")
        }
    }

    var filter: DefragFilter { DefragFilter(minimumSpanBytes: defragMinSpanSize, storageClass: storageClass) }

    private var storageClass: StorageClass? {
        switch defragStorageClass {
        case "hdd": .hdd
        case "flash": .flash
        default: nil
        }
    }
}
