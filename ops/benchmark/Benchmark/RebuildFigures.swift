import Foundation

/// How fast the blocks of a lost disk are restored on others of the same machine, and what that costs all programs of
/// the cluster (not counted: what the kernel does on threads of its own).
struct RebuildFigures {
    let programs: Programs
    let report: Report
    let directory: String

    private static let disks = 8
    private static let files = 32

    func run(megabytes: Int) throws {
        // Garbage of an earlier run would count as restored.
        try? FileManager.default.removeItem(atPath: directory + "/rebuilt")
        // A process for each disk: one of them is lost.
        let cluster = try BenchCluster(
            programs, directory: directory + "/rebuilt",
            ["--block-services", "\(Self.disks)", "--block-processes", "\(Self.disks)"])
        defer { cluster.stop() }
        // The work is that of the command below alone.
        let collector = try cluster.pid("gc")
        kill(collector, SIGSTOP)
        defer { kill(collector, SIGCONT) }
        // The blocks of one file stay on few disks; those of many are on all.
        for file in 0..<Self.files {
            let path = "\(cluster.mount)/stream-\(file)"
            _ = try programs.measure("stream", ["write", path, "\(megabytes * 4 / Self.files)"])
        }
        let disks = try (0..<Self.disks).map { number in
            (number: number, bytes: try blockBytes("\(cluster.directory)/disks/\(number)"))
        }
        guard let (lost, bytes) = disks.max(by: { $0.bytes < $1.bytes }) else { return }
        let disk = "\(cluster.directory)/disks/\(lost)"
        let registry = try cluster.address("registry")
        let service = try number(ofDisk: disk, registry)
        try FileManager.default.removeItem(atPath: disk + "/with_crc")
        try FileManager.default.createDirectory(atPath: disk + "/with_crc", withIntermediateDirectories: false)
        // Its files are still open there.
        try cluster.restart("block-\(lost)")
        let ceiling = try programs.measure("disk_stream", [directory])["writeMegabytesPerSecond"] ?? 0
        dropCaches()

        let pids = try (["shard", "cdc", "registry"] + (0..<Self.disks).map { "block-\($0)" }).map(cluster.pid)
        let before = pids.map(processorSeconds).reduce(childrenSeconds(), +)
        let began = Date()
        try programs.run(
            "\(programs.sterna)/sterna",
            [
                "drain", service, "--lost", "--settle", "0", "--registry", registry, "--key-file",
                cluster.directory + "/key",
            ])
        let seconds = Date().timeIntervalSince(began)
        let used = pids.map(processorSeconds).reduce(childrenSeconds(), +) - before
        report.add(
            Figure(
                "rebuild of a lost disk, \(bytes >> 20) MiB", "MB/s", Double(bytes) / 1e6 / seconds, ceiling: ceiling,
                by: "disk: sequential write, synced", wanted: 0.5))
        // What it takes in order to go half as fast as the disk writes.
        let rate = 0.5 * ceiling * 1e6
        report.add(
            Figure(
                "rebuild at half the disk's writing: processor", "cores", used / Double(bytes) * rate, ceiling: 1,
                by: "one core", wanted: 1, smallerIsBetter: true))
        report.add(Figure("rebuild of a lost disk: processor", "cores", used / seconds))
    }

    private func blockBytes(_ disk: String) throws -> Int {
        let output = try programs.run("/bin/sh", ["-c", "find '\(disk)/with_crc' -type f -exec cat {} + | wc -c"])
        return Int(output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    /// What the block service of a disk is called in the registry's list.
    private func number(ofDisk disk: String, _ registry: String) throws -> String {
        let table = try programs.run(
            "\(programs.sterna)/sterna", ["blockservices", "--raw", "--registry", registry])
        let row = table.split(separator: "\n").first { $0.contains(":\(disk)\t") || $0.hasSuffix(":\(disk)") }
        guard let number = row?.split(separator: "\t").first else {
            throw ProgramError(description: "the registry does not know \(disk)")
        }
        return String(number)
    }

    /// Processor seconds of all programs that this one has run to their ends.
    private func childrenSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
    }
}
