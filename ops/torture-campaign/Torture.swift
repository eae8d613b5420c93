import ArgumentParser
import Foundation
import Synchronization

/// Set by Ctrl-C.
let isInterrupted = Atomic<Bool>(false)

/// `ops/torture` builds everything and starts this.
@main struct Torture: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna-torture",
        abstract: "Runs a cluster of real processes under load and faults, and looks whether any file suffers.",
        discussion: """
            Several mounts write, read, rename and delete files whose contents follow from a seed, while block \
            services are killed and paused, mounts, shards, coordinator, registry and maintenance are killed, disks \
            are filled up or lost, policies change, and blocks on disk are damaged, large and small ones, never more \
            of a span than its parity makes up for. In the end every file whose close() returned 0 must be as it was \
            written, the blocks of deleted files gone, and block services must find bad exactly what was damaged. \
            Exits with 1 when something was found, and keeps the cluster's directory then, with `ledger`, `findings` \
            and `notes` in it.
            """)

    @Option(help: "Seed of the plan of faults and files. Default: a random one, which is printed.")
    var seed: UInt64?

    @Option(help: "How long there is load and faults.")
    var minutes = 10.0

    @Option(help: "Directory of the cluster, made if missing, which must be empty. Default: a temporary one.")
    var directory: String?

    @Flag(help: "Keep the directory also when nothing was found.")
    var keep = false

    @Option(help: "Directory of Sterna's programs. Default: that of this one.")
    var programs: String?

    @Option(help: "Disks, each with a process and a failure domain of its own.")
    var disks = 10

    @Option(help: "How spans are made redundant, as for sterna up.")
    var policy = "rs:4,2"

    @Option(help: "Mounts.")
    var mounts = 3

    @Option(help: "Workers, which are dealt out to the mounts as it happens.")
    var workers = 6

    @Option(help: "Workers that make, move and remove directories.")
    var nameWorkers = 2

    @Option(help: "Size of the largest files, MiB.")
    var largestFile = 20

    @Option(help: "Size of all files, MiB; beyond it files are deleted rather than written.")
    var allFiles = 1024

    @Option(help: "MB/s that all workers together write; they read up to four times as much.")
    var megabytesPerSecond = 8.0

    @Option(help: "Files a minute of which blocks are damaged.")
    var filesDamagedPerMinute = 400.0

    @Option(help: "Disks whose directories are deleted, each after the one before was evacuated.")
    var diskLosses = 1

    @Flag(inversion: .prefixedNo, help: "Let the cluster repair blocks and evacuate lost disks meanwhile.")
    var repair = true

    @Flag(inversion: .prefixedNo, help: "Let the cluster defragment and even disks out meanwhile.")
    var relayout = true

    @Option(
        help: """
            Power cuts a minute, of everything at once or of one service; the cluster lies on a disk that forgets then \
            what was not synced. 0: it lies in the directory.
            """)
    var powerCuts = 1.0

    @Flag(inversion: .prefixedNo, help: "With power cuts: let syncs of disks and of logs fail now and then.")
    var failingSyncs = true

    @Option(
        help: """
            To test the campaign: syncs below this directory of the cluster do nothing, such as shard/log or disks. It \
            must find that out.
            """)
    var lyingDisk: String?

    @Flag(inversion: .prefixedNo, help: "Wait in the end until the blocks of deleted files are gone.")
    var leftovers = true

    @Option(help: "Size of the disk that is filled up now and then, MiB; 0: none is. With power cuts only whether.")
    var smallDisk = 2048

    @Option(help: "Seconds after which a block may be erased; safe above 300, shorter in short campaigns.")
    var eraseDelay = 310

    @Option(help: "Seconds after which a call that has not returned is a finding.")
    var patience = 150.0

    @Option(help: "Append all totals to this file, as a line of JSON.")
    var summary: String?

    @Option(
        name: .customLong("with"),
        help: "A further option for services, as ROLE:OPTION; see sterna up. May be repeated.")
    var serviceOptions: [String] = []

    func validate() throws {
        guard minutes > 0, disks > 1, mounts > 0, workers > 0, nameWorkers >= 0, largestFile > 0, allFiles > 0, smallDisk >= 0,
            megabytesPerSecond > 0, filesDamagedPerMinute >= 0, powerCuts >= 0, (0...(repair ? 100 : 1)).contains(diskLosses),
            eraseDelay > 0, lyingDisk == nil || powerCuts > 0
        else { throw ValidationError("a number is out of range") }
    }

    func run() throws {
        signal(SIGINT) { _ in isInterrupted.store(true, ordering: .relaxed) }
        signal(SIGTERM) { _ in isInterrupted.store(true, ordering: .relaxed) }
        let campaign = try Campaign(self)
        let isSound = campaign.run()
        if !isSound { throw ExitCode(1) }
    }
}
