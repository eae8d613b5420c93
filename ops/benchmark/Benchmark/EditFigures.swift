import Foundation

/// Changes of files through the mount, each beside what it should cost about as much as: other work on the same mount.
struct EditFigures {
    let programs: Programs
    let report: Report
    let cluster: BenchCluster

    /// Largest span of a new cluster's policies.
    private static let spanMegabytes = 16
    private static let terabyte = 1 << 40
    private static let large = "large"

    func run(megabytes: Int) throws {
        let megabytes = max(megabytes, 2 * Self.spanMegabytes)
        _ = try seconds("write", Self.large, "\(megabytes)")
        try patches(megabytes)
        try appends()
        try copies(megabytes)
        try scattered(megabytes)
    }

    /// Each beside a sequential one: a machine whose host has to find memory for it first takes seconds longer for a
    /// gigabyte of either, and a minute later it does not.
    private func scattered(_ megabytes: Int) throws {
        var sequential: [Double] = []
        let scattered = try median {
            sequential.append(try seconds("write", "sequential-\($0)", "\(megabytes)"))
            return try seconds("scatter", "scattered-\($0)", "\(megabytes)", "4")
        }
        report.add(
            Figure(
                "edit: random 1 MiB writes, 4 streams", "MB/s", rate(megabytes, scattered),
                ceiling: rate(megabytes, median(of: sequential)), by: "sequential write", wanted: 0.5))
    }

    private func patches(_ megabytes: Int) throws {
        let span = try median { try seconds("write", "span-\($0)", "\(Self.spanMegabytes)") }
        let patch = try median { try seconds("patch", "patched-\($0)", "\(megabytes)") }
        report.add(
            Figure(
                "edit: 4 KiB at the front of \(megabytes) MiB, and close", "s", patch, ceiling: span,
                by: "writing one span", wanted: 2, smallerIsBetter: true))
    }

    private func appends() throws {
        let small = try secondsEach("create", "small", "200")
        let append = try secondsEach("append", Self.large, "50")
        report.add(
            Figure(
                "edit: append 1 KiB to a large file, durable", "ms", append * 1000, ceiling: small * 1000,
                by: "creating a file of 1 KiB", wanted: 5, smallerIsBetter: true))
        let log = try secondsEach("follow", Self.large, "50")
        _ = try seconds("extend", "sparse", "\(Self.terabyte)")
        let sparse = try secondsEach("follow", "sparse", "50")
        report.add(
            Figure(
                "edit: append + fsync at 1 TiB", "ms", sparse * 1000, ceiling: log * 1000, by: "the same at 1 GiB",
                wanted: 2, smallerIsBetter: true))
    }

    private func copies(_ megabytes: Int) throws {
        let copy = try seconds("copy", Self.large, path("copied"))
        let clone = try seconds("clone", Self.large, path("cloned"))
        report.add(
            Figure(
                "edit: copy_file_range of a large file", "copies/s", 1 / clone, ceiling: 1 / copy,
                by: "copying by read and write", wanted: 20))
        try CopyFigures(programs: programs, report: report, directory: cluster.directory + "-copies").run(megabytes)
    }

    // MARK: Measuring

    private func path(_ name: String) -> String { "\(cluster.mount)/\(name)" }

    private func measure(_ operation: String, _ name: String, _ arguments: [String]) throws -> [String: Double] {
        try programs.measure("edit", [operation, path(name)] + arguments)
    }

    private func seconds(_ operation: String, _ name: String, _ arguments: String...) throws -> Double {
        try measure(operation, name, arguments)["seconds"] ?? 0
    }

    private func secondsEach(_ operation: String, _ name: String, _ arguments: String...) throws -> Double {
        try measure(operation, name, arguments)["secondsEach"] ?? 0
    }

    private func median(_ measure: (Int) throws -> Double) throws -> Double {
        median(of: try (0..<3).map(measure))
    }

    private func median(of values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private func rate(_ megabytes: Int, _ seconds: Double) -> Double { Double(megabytes) * 1.048576 / seconds }
}
