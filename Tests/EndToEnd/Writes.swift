import Foundation
import Testing

/// A program that writes files while things happen, and what it was told of them.
final class Writes {
    private let target: String
    private let record: String
    private let writer: BackgroundShell

    convenience init(on cluster: TestCluster) throws {
        try self.init(on: cluster.mount, record: cluster.directory + "/record")
    }

    /// - Parameter record: the file in which it notes what it has written.
    init(on mount: String, record: String) throws {
        target = mount + "/writes"
        self.record = record
        try sh("mkdir '\(target)'")
        writer = BackgroundShell(
            "exec python3 '\(program("record-writes.py"))' '\(target)' '\(record)' 200")
    }

    /// Waits for so many files more.
    func goOn(for count: Int) throws {
        func lines() -> Int { (FileManager.default.contents(atPath: record) ?? Data()).count { $0 == 10 } }
        let before = lines()
        try waitUntil(seconds: 60, "\(count) files more") { lines() >= before + count }
    }

    /// Ends it; every file was written.
    func finish() throws {
        try sh("touch '\(record).stop'")
        let result = writer.wait(seconds: 90)
        try #require(result.status == 0, "\(result.output)")
        let counts = result.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        #expect(counts.count == 2 && counts[0] > 10 && counts[1] == 0, "\(result.output)")
    }

    /// What was written is there.
    func check() throws {
        try sh("python3 '\(program("check-record.py"))' '\(target)' '\(record)'", seconds: 60)
    }
}
