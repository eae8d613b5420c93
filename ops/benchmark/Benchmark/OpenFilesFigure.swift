import Foundation

/// Memory of the mount, not of the kernel, while many files are being written.
struct OpenFilesFigure {
    let programs: Programs
    let report: Report
    let cluster: BenchCluster

    private static let files = 10_000

    func run() throws {
        let process = Programs.process("\(programs.tools)/edit", ["hold", cluster.mount, "\(Self.files)"])
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = output.fileHandleForReading.availableData
        let resident = residentBytes(try cluster.pid("mount"))
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        guard !line.isEmpty, process.terminationStatus == 0 else {
            throw ProgramError(description: "edit hold ended with \(process.terminationStatus)")
        }
        report.add(
            Figure(
                "edit: memory with \(Self.files) files open", "MiB", resident / 1_048_576, ceiling: 512,
                by: "what is promised", wanted: 1, smallerIsBetter: true))
    }
}
