import Foundation

/// Metadata and data through the mount, each beside the pass-through filesystem over the same disk.
struct MountFigures {
    let programs: Programs
    let report: Report
    /// Mount point measured, and a pass-through mount.
    let mount: String
    let passthrough: PassthroughMount
    /// Gives the measured mount fresh caches.
    let remount: () throws -> Void
    let seconds: Double

    /// As many files are made by one measurement, at most.
    private static let mostFiles = 15_000

    func run(megabytes: Int) throws {
        try metadata()
        try streams(megabytes: megabytes)
    }

    private func metadata() throws {
        for (size, label) in [(0, "empty"), (1024, "1 KiB"), (65536, "64 KiB")] {
            for workers in [1, 8, 32] {
                let name = "m\(size)-\(workers)"
                let wanted = size == 0 && workers == 32 ? 0.5 : nil
                try both(
                    "create+close \(label), \(workers) workers", name, "create", workers, "\(size)", wanted: wanted)
                guard size == 0 else { continue }
                try both("stat warm, \(workers) workers", name, "stat", workers, "0", wanted: workers == 32 ? 0.8 : nil)
                try both("readdir entries, \(workers) workers", name, "readdir", workers, "0")
                try both("rename, \(workers) workers", name, "rename", workers, "0")
                try both("unlink, \(workers) workers", name, "unlink", workers, "0")
                try both("mkdir, \(workers) workers", name, "mkdir", workers, "0")
            }
        }
    }

    private func both(
        _ label: String, _ directory: String, _ operation: String, _ workers: Int, _ size: String, wanted: Double? = nil
    ) throws {
        // The pass-through filesystem holds a descriptor for each file, of which many machines allow 20,000.
        try passthrough.remount()
        let arguments = [operation, "\(workers)", "\(seconds)", size, "\(Self.mostFiles / workers)"]
        var rates: [Double] = []
        for root in [passthrough.mount, mount] {
            let path = "\(root)/\(directory)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            rates.append(try programs.measure("fsload", [path] + arguments)["perSecond"] ?? 0)
        }
        report.add(
            Figure("mount: " + label, "/s", rates[1], ceiling: rates[0], by: "pass-through FUSE", wanted: wanted))
    }

    private func streams(megabytes: Int) throws {
        let write = try rate("stream", passthrough.mount, ["write"], ["\(megabytes * 3 / 2)"])
        let ours = try rate("stream", mount, ["write"], ["\(megabytes)"])
        report.add(
            Figure(
                "mount: sequential write \(megabytes) MiB", "MB/s", ours, ceiling: write * 2 / 3,
                by: "pass-through, parity included", wanted: 0.5))
        dropCaches()
        let coldCeiling = try rate("stream", passthrough.mount, ["read"], [])
        try remount()
        dropCaches()
        let cold = try rate("stream", mount, ["read"], [])
        report.add(
            Figure(
                "mount: sequential read, cold", "MB/s", cold, ceiling: coldCeiling, by: "pass-through FUSE",
                wanted: 0.625))
        let warmCeiling = try rate("stream", passthrough.mount, ["read"], [])
        report.add(
            Figure(
                "mount: sequential read, warm", "MB/s", try rate("stream", mount, ["read"], []), ceiling: warmCeiling,
                by: "pass-through FUSE"))
        try remount()
        dropCaches()
        let random = try programs.measure("stream", ["random", mount + "/stream", "\(seconds)"])
        dropCaches()
        let randomCeiling = try programs.measure("stream", ["random", passthrough.mount + "/stream", "\(seconds)"])
        report.add(
            Figure(
                "mount: random 4 KiB reads, cold", "/s", random["operationsPerSecond"] ?? 0,
                ceiling: randomCeiling["operationsPerSecond"] ?? 0, by: "pass-through FUSE"))
    }

    private func rate(_ program: String, _ root: String, _ before: [String], _ after: [String]) throws -> Double {
        try programs.measure(program, before + ["\(root)/stream"] + after)["megabytesPerSecond"] ?? 0
    }
}
