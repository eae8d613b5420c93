import Foundation

/// What modes, owners and lists cost that are stored, beside files that have the default.
struct AttributeFigures {
    let programs: Programs
    let report: Report
    let cluster: BenchCluster
    /// A directory on the disk below it.
    let disk: String
    let seconds: Double

    private static let workers = 8
    private static let rounds = 9
    private static let treeFiles = 20_000
    /// Differences below that are noise.
    private static let noise = 0.9

    func run() throws {
        try rates()
        try requests()
        try tree()
        try StoredBytesFigure(report: report).run()
    }

    // MARK: Rates

    private func rates() throws {
        for (label, operations) in [
            ("create+close 1 KiB", ["create", "create-private"]), ("stat", ["stat", "stat"]),
            ("readdir entries", ["readdir", "readdir"]),
        ] {
            var rates: [[Double]] = [[], []]
            // In turn, because machines change their pace while one looks.
            for _ in 0..<Self.rounds {
                for (index, operation) in operations.enumerated() {
                    let directory = try directory("rates-\(index)")
                    let arguments = [directory, operation, "\(Self.workers)", "\(seconds)", "1024"]
                    rates[index].append(try programs.measure("fsload", arguments)["perSecond"] ?? 0)
                }
            }
            let medians = rates.map { $0.sorted()[Self.rounds / 2] }
            report.add(
                Figure(
                    "attributes: \(label) of private files", "/s", medians[1], ceiling: medians[0],
                    by: "files with the default", wanted: Self.noise))
        }
    }

    // MARK: Requests

    /// One worker: nothing shares a sync.
    private func requests() throws {
        let plain = try perFile("create")
        for (operation, label) in [
            ("create-private", "private file"), ("create-owned", "file with owner, mode, attribute and times"),
        ] {
            let stored = try perFile(operation)
            for (index, what) in ["requests that change something", "syncs of the log"].enumerated() {
                report.add(
                    Figure(
                        "attributes: \(what), per \(label)", "", stored[index], ceiling: plain[index],
                        by: "the same with the default", wanted: 1.02, smallerIsBetter: true))
            }
        }
    }

    private func perFile(_ operation: String) throws -> [Double] {
        let names = ["shard_writes_total", "shard_log_syncs_total"]
        func counted() throws -> [Double] {
            let counters = try cluster.counters("shard", through: "shard_writes_total")
            return names.map { counters[$0] ?? 0 }
        }
        let directory = try directory(operation)
        // Its own directory and what is made ahead are there before anything is counted.
        _ = try programs.measure("fsload", [directory, operation, "1", "\(seconds)", "1024", "200"])
        let before = try counted()
        let result = try programs.measure("fsload", [directory, operation, "1", "\(seconds)", "1024"])
        let files = max(result["operations"] ?? 0, 1)
        return zip(before, try counted()).map { ($1 - $0) / files }
    }

    // MARK: A tree

    private func tree() throws {
        let (source, mount) = ("\(disk)/tree", cluster.mount)
        defer { try? FileManager.default.removeItem(atPath: source) }
        try programs.run("/bin/bash", ["-c", Self.making, "-", source, "\(Self.treeFiles)"])
        let start = Date()
        try programs.run("/bin/cp", ["-a", source, "\(mount)/copied"])
        let seconds = Date().timeIntervalSince(start)
        report.add(Figure("attributes: cp -a of a tree", "files/s", Double(Self.treeFiles) / seconds))
        // And over what is there.
        try programs.run("/bin/cp", ["-a", "\(source)/d0", "\(mount)/copied/"])
        try programs.run("/usr/bin/rsync", ["-aAX", "\(source)/", "\(mount)/synchronised"])
        for (label, copy) in [("cp -a", "copied"), ("rsync -aAX", "synchronised")] {
            let left = try programs.run(
                "/usr/bin/rsync", ["-aAXin", "--delete", "\(source)/", "\(mount)/\(copy)/"])
            report.add(
                Figure(
                    "attributes: what rsync -aAX finds to do after \(label)", "files",
                    Double(left.split(separator: "\n").count), ceiling: Double(Self.treeFiles), by: "files in the tree",
                    wanted: 0, smallerIsBetter: true))
        }
    }

    /// Makes a tree of files of several modes, owners and times, some with lists and attributes.
    private static let making = """
        set -euo pipefail
        mkdir -p "$1"; cd "$1"
        python3 - "$2" <<'EOF'
        import os, sys
        for i in range(int(sys.argv[1])):
            directory = f"d{i % 97}/e{i % 7}"
            os.makedirs(directory, exist_ok=True)
            name = f"{directory}/{i}"
            with open(name, "w") as f: f.write(str(i) * (i % 50))
            os.chown(name, 1000 + i % 5, 1000 + i % 3)
            os.chmod(name, [0o644, 0o600, 0o755, 0o640, 0o4711][i % 5])
            if i % 10 == 0: os.setxattr(name, "user.origin", b"bench")
            if i % 50 == 0: os.setxattr(name, "security.capability", bytes.fromhex("01000002" + "00200000" + 24 * "0"))
            os.utime(name, (1600000000 + i, 1500000000 + i))
        EOF
        find . -type f -name '*7' -print0 | xargs -0 setfacl -m u:2000:r
        find . -type d -name 'e*' -print0 | xargs -0 setfacl -d -m g:2000:rx
        """

    private func directory(_ name: String) throws -> String {
        let path = "\(cluster.mount)/\(name)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}
