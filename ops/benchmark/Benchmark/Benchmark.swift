import ArgumentParser
import Foundation

/// `ops/bench` builds everything and starts this.
@main struct Benchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna-bench", abstract: "Measures every part of Sterna beside its ceiling on this machine.")

    @Option(help: "Directory of the compiled measuring programs.")
    var tools: String

    @Option(help: "Directory of Sterna's programs.")
    var sterna: String

    @Option(help: "Directory on the disk to measure; everything is made below it.")
    var directory: String

    @Option(help: "Where the JSON goes.")
    var json: String

    @Option(help: "Seconds per measurement.")
    var seconds = 2.0

    @Option(help: "Size of the large file, MiB.")
    var megabytes = 1024

    @Option(help: "Only these parts: codec, metadata, small-files, mount, attributes, edits, scrub, faults, rebuild.")
    var only: [Part] = Part.allCases

    enum Part: String, CaseIterable, ExpressibleByArgument {
        case codec, metadata, smallFiles = "small-files", mount, attributes, edits, scrub, faults, rebuild
    }

    func run() throws {
        let programs = Programs(tools: tools, sterna: sterna)
        let report = Report()
        report.circumstances["kernel"] = try programs.run("/bin/uname", ["-r"]).trimmingCharacters(in: .newlines)
        report.circumstances["processors"] = "\(ProcessInfo.processInfo.processorCount)"
        report.circumstances["filesystem"] =
            try programs.run("/bin/df", ["--output=fstype,source", directory])
            .split(separator: "\n").last.map(String.init) ?? "?"
        report.header()
        if only.contains(.codec) { try CodecFigures(programs: programs, report: report, seconds: seconds).run() }
        if only.contains(.metadata) { try metadata(programs, report) }
        if only.contains(.smallFiles) { try smallFiles(programs, report) }
        if only.contains(.mount) { try mount(programs, report) }
        if only.contains(.attributes) { try attributes(programs, report) }
        if only.contains(.edits) {
            try edits(programs, report)
            try openFiles(programs, report)
        }
        if only.contains(.scrub) {
            try ScrubFigures(programs: programs, report: report, directory: directory).run(megabytes: megabytes)
        }
        if only.contains(.faults) { try faults(programs, report) }
        if only.contains(.rebuild) {
            try RebuildFigures(programs: programs, report: report, directory: directory).run(megabytes: megabytes)
        }
        try report.writeJSON(to: json)
        report.note("as JSON: \(json)")
    }

    private func metadata(_ programs: Programs, _ report: Report) throws {
        let disk = try programs.measure("fsync_rate", [directory, "\(seconds)"])["syncsPerSecond"] ?? 0
        report.add(Figure("disk: fsyncs, one at a time", "/s", disk))
        let cluster = try BenchCluster(programs, directory: directory + "/metadata", ["--no-mount"])
        defer { cluster.stop() }
        try idle(cluster, report)
        try MetadataFigures(
            programs: programs, report: report, cluster: cluster, syncsPerSecond: disk, seconds: seconds
        ).run()
    }

    /// Memory and processor use of a cluster that nobody uses.
    private func idle(_ cluster: BenchCluster, _ report: Report) throws {
        let services = ["registry", "shard", "cdc", "block", "gc"]
        let pids = try services.map { try cluster.pid($0) }
        sleep(3)
        let before = pids.map(processorSeconds).reduce(0, +)
        sleep(10)
        let used = pids.map(processorSeconds).reduce(0, +) - before
        report.add(Figure("cluster idle: processor", "% of a core", used * 10))
        report.add(
            Figure("cluster idle: memory of all services", "MiB", pids.map(residentBytes).reduce(0, +) / 1_048_576))
    }

    private func smallFiles(_ programs: Programs, _ report: Report) throws {
        let cluster = try BenchCluster(programs, directory: directory + "/small-files")
        defer { cluster.stop() }
        try SmallFileFigures(
            programs: programs, report: report, mount: cluster.mount, disk: directory, seconds: seconds
        ).run()
    }

    private func mount(_ programs: Programs, _ report: Report) throws {
        let stream = try programs.measure("disk_stream", [directory])
        report.add(Figure("disk: sequential write, synced", "MB/s", stream["writeMegabytesPerSecond"] ?? 0))
        report.add(Figure("disk: sequential read", "MB/s", stream["readMegabytesPerSecond"] ?? 0))
        let cluster = try BenchCluster(programs, directory: directory + "/mounted")
        defer { cluster.stop() }
        let passthrough = try PassthroughMount(programs, directory: directory + "/passthrough")
        defer { passthrough.stop() }
        try MountFigures(
            programs: programs, report: report, mount: cluster.mount, passthrough: passthrough,
            remount: { try cluster.remount() }, seconds: seconds
        ).run(megabytes: megabytes)
    }

    private func attributes(_ programs: Programs, _ report: Report) throws {
        let cluster = try BenchCluster(programs, directory: directory + "/attributes")
        defer { cluster.stop() }
        try AttributeFigures(
            programs: programs, report: report, cluster: cluster, disk: directory, seconds: seconds
        ).run()
    }

    private func edits(_ programs: Programs, _ report: Report) throws {
        let cluster = try BenchCluster(programs, directory: directory + "/edits")
        defer { cluster.stop() }
        try EditFigures(programs: programs, report: report, cluster: cluster).run(megabytes: megabytes)
    }

    private func openFiles(_ programs: Programs, _ report: Report) throws {
        let cluster = try BenchCluster(programs, directory: directory + "/open-files")
        defer { cluster.stop() }
        try OpenFilesFigure(programs: programs, report: report, cluster: cluster).run()
    }

    private func faults(_ programs: Programs, _ report: Report) throws {
        let cluster = try BenchCluster(
            programs, directory: directory + "/faults", FaultFigures.clusterArguments)
        defer { cluster.stop() }
        try FaultFigures(programs: programs, report: report, cluster: cluster, seconds: seconds).run(
            megabytes: megabytes)
    }
}
