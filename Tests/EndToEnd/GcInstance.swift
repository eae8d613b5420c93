import Foundation
import Testing

/// A `sterna-gc` of its own beside the one that `sterna up` runs, with the duties and the pace that a test wants.
final class GcInstance {
    let data: String
    private let cluster: TestCluster
    private var process: BackgroundShell?
    private let arguments: String

    /// - Parameter duties: options that choose what is done; all usual duties are off.
    init(_ cluster: TestCluster, _ name: String, _ duties: String) throws {
        self.cluster = cluster
        data = "\(cluster.directory)/\(name)"
        arguments = "--no-collect-directories --no-destruct-files --no-zero-block-services --first-delay 0 \(duties)"
    }

    deinit {
        kill()
    }

    /// Starts it, or starts it again on the data that is there.
    func start(_ more: String = "") throws {
        let port = try sh("sed -n 's/^registry-port = //p' '\(cluster.directory)/cluster'")
        process = BackgroundShell(
            """
            exec '\(TestCluster.binaries)/sterna-gc' --registry 127.0.0.1:\(port) --data '\(data)' \
                --key-file '\(cluster.directory)/key' \
                \(arguments) \(more) >> '\(data).log' 2>&1
            """)
    }

    func kill() {
        process?.signal(SIGKILL)
        _ = process?.wait(seconds: 10)
        process = nil
    }

    /// SIGTERM, and waits for the end.
    func stop() throws {
        let process = try #require(process)
        self.process = nil
        process.signal(SIGTERM)
        let end = process.wait(seconds: 30)
        #expect(end.status == 0, "\(log.suffix(2000))")
    }

    var log: String { (try? String(contentsOfFile: data + ".log", encoding: .utf8)) ?? "" }

    /// A counter, as far as its process has told: it is asked to tell again.
    func counter(_ name: String) -> Int {
        process?.signal(SIGUSR1)
        let last = log.split(separator: "\n").last { $0.contains(" \(name) ") }
        return last?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }

    /// The rows of the table of disks: by heading.
    var disks: [[String: String]] {
        let text = (try? String(contentsOfFile: data + "/findings", encoding: .utf8)) ?? ""
        let sections = text.components(separatedBy: "\n\n")
        guard sections.count > 1 else { return [] }
        let rows = sections[1].split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        guard let heading = rows.first else { return [] }
        return rows.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(heading, $0)) }
    }

    /// A column of the table of disks, added up.
    func total(_ column: String) -> Int {
        disks.reduce(0) { $0 + (Int($1[column] ?? "") ?? 0) }
    }

    /// Waits until every one of `count` disks was checked completely.
    func awaitScrub(disks count: Int, seconds: Double = 60) throws {
        try waitUntil(seconds: seconds, "\(count) disks are checked:\n\(log.suffix(2000))") {
            let disks = disks
            return disks.count == count && disks.allSatisfy { $0["pass"] == "done" && $0["last-full-check"] != "never" }
        }
    }
}
