import Foundation

/// Small files through the mount, durable when close(2) returns, beside what the disk makes durable one by one.
struct SmallFileFigures {
    let programs: Programs
    let report: Report
    /// Mount point measured.
    let mount: String
    /// A directory on the disk below it.
    let disk: String
    let seconds: Double

    private static let fileBytes = 4096

    func run() throws {
        for (workers, wanted) in [(1, nil), (8, nil), (32, 0.8)] as [(Int, Double?)] {
            let directory = "\(mount)/small-\(workers)"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            // Before and after, because disks change their pace while one looks.
            let before = try syncsPerSecond()
            let rate = try programs.measure(
                "fsload", [directory, "create", "\(workers)", "\(seconds)", "\(Self.fileBytes)"]
            )["perSecond"] ?? 0
            let syncs = (before + (try syncsPerSecond())) / 2
            report.add(
                Figure(
                    "mount: create+write+close 4 KiB, durable, \(workers) workers", "/s", rate, ceiling: syncs,
                    by: "fsyncs of the disk", wanted: wanted))
        }
    }

    /// Appends of 4 KiB, each made durable before the next.
    private func syncsPerSecond() throws -> Double {
        try programs.measure("fsync_rate", [disk, "\(seconds)"])["syncsPerSecond"] ?? 0
    }
}
