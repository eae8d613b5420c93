import Foundation

/// Many copies of one file, which share what is stored, made and deleted in any order.
struct CopyFigures {
    let programs: Programs
    let report: Report
    let directory: String

    private static let copies = 10_000
    private static let part = 500
    /// What is deleted goes at once.
    private static let clusterArguments = [
        "--keep-deleted", "1s", "--with", "gc:--first-delay=1", "--with", "gc:--collect-interval=2", "--with",
        "gc:--collect-directories-min-edge-age=1", "--with", "gc:--destruct-interval=1", "--with",
        "gc:--destruct-margin=1", "--with", "gc:--destruct-pause=1", "--with", "gc:--no-scrub", "--with",
        "shard:--minimum-history-age=1", "--with", "block:--erase-delay=1", "--with", "block:--unsafe-erase-delay",
    ]

    func run(_ megabytes: Int) throws {
        let cluster = try BenchCluster(programs, directory: directory, Self.clusterArguments)
        defer { cluster.stop() }
        let collector = try cluster.pid("gc")
        // What is measured is the work of those who copy and delete.
        kill(collector, SIGSTOP)
        defer { kill(collector, SIGCONT) }
        // Only files of one shard share spans, so there is nothing beside them in it.
        let files = cluster.mount + "/files"
        try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
        _ = try programs.measure("edit", ["write", files + "/source", "\(megabytes)"])
        try copy(files)
        let stored = try storedBytes()
        try delete(files)
        kill(collector, SIGCONT)
        report.add(
            Figure(
                "edit: stored after the last copy is deleted", "MiB", try storedAtLast() / 1_048_576,
                ceiling: stored / 1_048_576, by: "stored for all of them", wanted: 0, smallerIsBetter: true))
    }

    private func copy(_ files: String) throws {
        func copies(_ count: Int, _ prefix: String) throws -> Double {
            try secondsEach("clones", [files + "/source", "\(files)/\(prefix)-", "\(count)"])
        }
        let first = try copies(Self.part, "first")
        _ = try copies(Self.copies - 2 * Self.part, "more")
        let last = try copies(Self.part, "last")
        report.add(
            Figure(
                "edit: copies beside 9,500 others", "copies/s", 1 / last, ceiling: 1 / first, by: "the first 500",
                wanted: 0.5))
    }

    private func delete(_ files: String) throws {
        func deletions(_ count: Int) throws -> Double { try secondsEach("remove", [files, "\(count)"]) }
        let first = try deletions(Self.part)
        // With that of which they are copies.
        _ = try deletions(Self.copies + 1 - 2 * Self.part)
        let last = try deletions(Self.part)
        report.add(
            Figure(
                "edit: the last 500 deletions of 10,000 copies", "files/s", 1 / last, ceiling: 1 / first,
                by: "the first 500", wanted: 0.5))
    }

    /// When everything is collected, or nothing more happens for a minute.
    private func storedAtLast() throws -> Double {
        var (least, since) = (try storedBytes(), Date())
        while least > 0, Date().timeIntervalSince(since) < 60 {
            Thread.sleep(forTimeInterval: 0.5)
            let now = try storedBytes()
            if now < least { (least, since) = (now, Date()) }
        }
        return least
    }

    private func secondsEach(_ operation: String, _ arguments: [String]) throws -> Double {
        try programs.measure("edit", [operation] + arguments)["secondsEach"] ?? 0
    }

    /// Of blocks, on all disks.
    private func storedBytes() throws -> Double {
        let find = "find '\(directory)'/disks/*/with_crc -type f -size +3k -printf '%s\\n'"
        let output = try programs.run("/bin/sh", ["-c", find + " | awk '{ sum += $1 } END { printf \"%d\", sum }'"])
        return Double(output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }
}
