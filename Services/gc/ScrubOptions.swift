import ArgumentParser
import Scrubbing

/// How fast and how often disks are read through.
struct ScrubOptions: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "Read all blocks again and again, and repair those that are damaged.")
    var scrub = true

    @Option(help: "Bytes to read from each disk per second at most; 0: as many as it gives.")
    var scrubBytesPerSecondPerDisk: UInt64 = 8 << 20

    @Option(help: "Seconds between the beginnings of two complete checks of a disk, at least.")
    var scrubInterval: UInt32 = 604_800

    @Option(help: "Disks to read at the same time.")
    var scrubDisksAtOnce = 64

    @Option(help: "Requests to shards per second at most, for finding out what belongs on the disks.")
    var scrubRequestsPerSecond: UInt32 = 4000

    @Option(help: "Of so many instances that share the disks ...")
    var numScrubbers: UInt64 = 1

    @Option(help: "... this one's number, from 0.")
    var scrubberIdx: UInt64 = 0

    func validate() throws {
        guard scrubInterval > 0 else { throw ValidationError("--scrub-interval must be at least 1") }
        guard scrubDisksAtOnce > 0 else { throw ValidationError("--scrub-disks-at-once must be at least 1") }
        guard scrubRequestsPerSecond > 0 else {
            throw ValidationError("--scrub-requests-per-second must be at least 1")
        }
        guard scrubberIdx < numScrubbers else {
            throw ValidationError("--scrubber-idx must be below --num-scrubbers")
        }
    }

    var settings: ScrubSettings {
        var settings = ScrubSettings(
            bytesPerSecondPerDisk: scrubBytesPerSecondPerDisk,
            intervalNanoseconds: UInt64(scrubInterval) * 1_000_000_000, disksAtOnce: scrubDisksAtOnce)
        settings.instances = numScrubbers
        settings.instance = scrubberIdx
        return settings
    }
}
