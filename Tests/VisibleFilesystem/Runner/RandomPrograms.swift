import ArgumentParser
import CLinux
import Foundation
import ReferenceModel
import VisibleFilesystem

/// `ops/random-programs` builds everything and starts this.
@main struct RandomPrograms: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna-random-programs",
        abstract: "Runs random programs on a mount and on a model of it, and looks whether they see the same.",
        subcommands: [Run.self, WorkerCommand.self], defaultSubcommand: Run.self)
}

/// A process of a script.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "worker", shouldDisplay: false)

    @Argument(help: "The directory of the script.")
    var root: String

    func run() throws {
        _ = linux_set_parent_death_signal(SIGKILL)
        try Worker(root: root).run()
    }
}

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs random programs.",
        discussion: """
            A difference is printed with its seed and the shortest script that shows it, which --script runs again. \
            Exits with 1 then.
            """)

    @Option(help: "Directory of a cluster that `sterna up` runs; two mounts of it are made.")
    var cluster: String?

    @Option(help: "Instead of a cluster: a directory of a local disk, which proves the model.")
    var directory: String?

    @Option(help: "Ends after so many operations.")
    var operations = 1000

    @Option(help: "Seed of the first program; the others follow. Default: a random one.")
    var seed: UInt64?

    @Option(help: "Steps of a program.")
    var steps = 60

    @Option(help: "Runs this script instead: a file with a step a line, as a failure prints it. May be repeated.")
    var script: [String] = []

    @Option(help: "Longest spans in the cluster.")
    var spanBytes = 65536

    @Option(
        help: .init(
            "What programs may do, separated by commas: "
                + Capabilities.named.keys.sorted().joined(separator: ", ") + ". Default: mount."))
    var capabilities: String?

    @Option(help: "Seconds after which a failing script is not made shorter any more.")
    var shrinkSeconds = 120.0

    @Option(help: "Goes on after a difference until there are so many.")
    var differences = 1

    @Option(help: .init("A further option of the mounts, such as --memory=64. May be repeated.", valueName: "option"))
    var mountOption: [String] = []

    func validate() throws {
        guard (cluster == nil) != (directory == nil) else {
            throw ValidationError("either --cluster or --directory is needed")
        }
        guard operations > 0, steps > 0, differences > 0, spanBytes >= 4096 else {
            throw ValidationError("--operations, --steps and --differences are at least 1, --span-bytes 4096")
        }
    }

    func run() throws {
        // A dead worker is found by its silence.
        signal(SIGPIPE, SIG_IGN)
        let allowed = try allowedCapabilities()
        let campaign = Campaign(place: try place(), allowed, spanBytes: spanBytes, steps: steps, shrinkSeconds)
        let isSound =
            script.isEmpty
            ? try campaign.run(
                seed ?? UInt64.random(in: 0..<1 << 32), operations: operations, differences: differences)
            : try campaign.run(files: script)
        if !isSound { throw ExitCode(1) }
    }

    private func allowedCapabilities() throws -> Capabilities {
        guard let capabilities else {
            let usual: Capabilities = directory != nil ? .localDirectory : .mount
            return geteuid() == 0 ? usual : usual.subtracting(.permissions)
        }
        return try capabilities.split(separator: ",").reduce(into: []) { allowed, name in
            guard let found = Capabilities.named[String(name)] else {
                throw ValidationError("nothing is called \(name) that programs may do")
            }
            allowed.formUnion(found)
        }
    }

    private func place() throws -> any Place {
        if let directory { return LocalDirectory(directory: directory) }
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let programs = (own as NSString).deletingLastPathComponent
        let cluster = cluster ?? ""
        try SmallSpans(registryOf: cluster).set(spanBytes)
        return try ClusterMounts(cluster: cluster, programs: programs, options: mountOption)
    }
}
