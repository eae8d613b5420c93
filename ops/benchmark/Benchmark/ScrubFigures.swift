import Foundation

/// How fast a scrub without a rate limit reads the disk, beside one sequential reader of one long file.
///
/// A virtual disk gives what was just written twice as fast as the rest, and one and the same file at half speed a
/// minute later. So the long file is as old as the blocks, and all are read in turn; medians are compared.
struct ScrubFigures {
    let programs: Programs
    let report: Report
    let directory: String

    private static let disks = 8
    private static let rounds = 7

    func run(megabytes: Int) throws {
        let cluster = try BenchCluster(
            programs, directory: directory + "/scrubbed", ["--block-services", "\(Self.disks)"])
        defer { cluster.stop() }
        // Its own collector would scrub as well, in its own time.
        let collector = try cluster.pid("gc")
        kill(collector, SIGSTOP)
        defer { kill(collector, SIGCONT) }
        let long = directory + "/long"
        defer { unlink(long) }
        _ = try programs.measure("stream", ["write", long, "\(megabytes)"])
        _ = try programs.measure("stream", ["write", cluster.mount + "/stream", "\(megabytes)"])
        var (ceilings, plain, rates): ([Double], [Double], [Double]) = ([], [], [])
        for round in 0..<Self.rounds {
            // Each is first, second and third in turn.
            for step in 0..<3 {
                dropCaches()
                switch (round + step) % 3 {
                case 0: ceilings.append(try programs.measure("stream", ["read", long])["megabytesPerSecond"] ?? 0)
                case 1: rates.append(try scrub(cluster))
                default: plain.append(try readPlainly(cluster))
                }
            }
        }
        for (name, values) in [("one long file", ceilings), ("scrub", rates), ("the block files", plain)] {
            report.note("\(name), MB/s: \(values.map { String(Int($0)) }.joined(separator: " "))")
        }
        report.add(
            Figure(
                "scrub: all disks, without a limit", "MB/s", Self.median(rates), ceiling: Self.median(ceilings),
                by: "one reader of one long file, cold", wanted: 0.7))
        report.add(
            Figure(
                "scrub: beside reading the same files", "MB/s", Self.median(rates), ceiling: Self.median(plain),
                by: "one reader of the block files, cold"))
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    /// The files of all blocks, read one after the other; 10^6 bytes per second.
    private func readPlainly(_ cluster: BenchCluster) throws -> Double {
        let began = Date()
        let files = "'\(cluster.directory)'/disks/*/with_crc/*/*"
        try programs.run("/bin/sh", ["-c", "cat \(files) > /dev/null"])
        let seconds = Date().timeIntervalSince(began)
        let output = try programs.run("/bin/sh", ["-c", "cat \(files) | wc -c"])
        let bytes = Double(output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        return bytes / 1e6 / seconds
    }

    /// One complete pass over all disks; 10^6 bytes per second.
    private func scrub(_ cluster: BenchCluster) throws -> Double {
        let data = cluster.directory + "/scrub"
        let log = data + ".log"
        // Each pass is the first one.
        if FileManager.default.fileExists(atPath: data) { try FileManager.default.removeItem(atPath: data) }
        guard FileManager.default.createFile(atPath: log, contents: nil), let output = FileHandle(forWritingAtPath: log)
        else { throw ProgramError(description: "cannot write \(log)") }
        let process = Programs.process(
            "\(programs.sterna)/sterna-gc",
            [
                "--registry", try cluster.address("registry"), "--data", data, "--first-delay", "0",
                "--key-file", cluster.directory + "/key",
                "--no-collect-directories", "--no-destruct-files", "--no-zero-block-services",
                "--scrub-bytes-per-second-per-disk", "0", "--scrub-interval", "1000000",
            ])
        process.standardOutput = output
        process.standardError = output
        try process.run()
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        var bytes = 0.0
        try wait(seconds: 300, for: "the scrub to end; see \(log)") {
            let disks = Self.disks(data + "/findings")
            bytes = disks.reduce(0) { $0 + $1.bytes }
            return disks.count == Self.disks && disks.allSatisfy(\.isDone)
        }
        let seconds = Self.span(try String(contentsOfFile: log, encoding: .utf8))
        guard seconds > 0 else { throw ProgramError(description: "no times in \(log)") }
        return bytes / 1e6 / seconds
    }

    /// Bytes read from each disk and whether its pass is complete, out of the table of findings.
    private static func disks(_ path: String) -> [(bytes: Double, isDone: Bool)] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let sections = text.components(separatedBy: "\n\n")
        guard sections.count > 1 else { return [] }
        return sections[1].split(separator: "\n").dropFirst().compactMap { row in
            let words = row.split(separator: " ")
            guard words.count > 4, let bytes = Double(words[4]) else { return nil }
            return (bytes, words[2] == "done" && words[1] != "never")
        }
    }

    /// Seconds from the first line of the log, when the service was ready, to the last complete disk.
    private static func span(_ log: String) -> Double {
        let lines = log.split(separator: "\n")
        guard let first = lines.first, let last = lines.last(where: { $0.contains("is checked completely") }) else {
            return 0
        }
        let times = [first, last].map { line -> Double in
            let clock = line.prefix { $0 != "Z" }.suffix(12).split(separator: ":").compactMap { Double($0) }
            return clock.reduce(0) { $0 * 60 + $1 }
        }
        return (times[1] - times[0] + 86_400).truncatingRemainder(dividingBy: 86_400)
    }
}
