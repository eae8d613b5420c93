import Foundation

/// Reading when something is broken, beside the same read when nothing is.
struct FaultFigures {
    let programs: Programs
    let report: Report
    /// RS(4,2) over six disks with a process each, so that every span has a block on each of them.
    let cluster: BenchCluster
    let seconds: Double

    static let clusterArguments = ["--block-services", "6", "--block-processes", "6", "--policy", "rs:4,2"]

    private var file: String { cluster.mount + "/stream" }

    func run(megabytes: Int) throws {
        _ = try programs.measure("stream", ["write", file, "\(megabytes)"])
        try slowDisk()
        try missingBlocks()
    }

    private func slowDisk() throws {
        let healthy = try latency()
        let slow = SlowProcess(try cluster.pid("block-0"))
        defer { slow.end() }
        let limping = try latency()
        for (name, key, wanted) in [("p50", "p50Milliseconds", nil), ("p99", "p99Milliseconds", 3.0)] {
            report.add(
                Figure(
                    "1 MiB reads, one disk 100x slower: \(name)", "ms", limping[key] ?? 0, ceiling: healthy[key] ?? 0,
                    by: "the same with all disks well", wanted: wanted, smallerIsBetter: true))
        }
    }

    private func latency() throws -> [String: Double] {
        try cluster.remount()
        dropCaches()
        return try programs.measure("latency", [file, "\(max(seconds, 1) * 5)"])
    }

    private func missingBlocks() throws {
        let healthy = try sequential()
        // As many as there are parity blocks: two of every span.
        for disk in [1, 4] {
            try FileManager.default.removeItem(atPath: "\(cluster.directory)/disks/\(disk)/with_crc")
            try FileManager.default.createDirectory(
                atPath: "\(cluster.directory)/disks/\(disk)/with_crc", withIntermediateDirectories: false)
        }
        report.add(
            Figure(
                "sequential read, 2 of 6 blocks of each span missing", "MB/s", try sequential(), ceiling: healthy,
                by: "the same with all blocks", wanted: 0.5))
    }

    private func sequential() throws -> Double {
        try cluster.remount()
        dropCaches()
        return try programs.measure("stream", ["read", file])["megabytesPerSecond"] ?? 0
    }
}
