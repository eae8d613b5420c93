import Foundation
import Testing

extension EndToEnd {
    /// Services die without warning while files are being written.
    @Suite(.serialized) struct CrashTests {
        @Test(
            "kill -9 of a service during a copy loses no closed file and shows no partial one",
            .timeLimit(.minutes(4)), arguments: ["registry", "shard", "cdc", "block", "gc", "mount"])
        func killDuringCopy(service: String) throws {
            let cluster = try TestCluster()
            let target = cluster.mount + "/copy"
            let record = cluster.directory + "/record"
            try sh("mkdir '\(target)'")
            let writer = BackgroundShell(
                "exec python3 '\(program("record-writes.py"))' '\(target)' '\(record)' 8")
            for _ in 0..<3 {
                try Self.awaitWrites(5, record)
                try cluster.killAndAwaitRestart(service)
            }
            let result = writer.wait(seconds: 90)
            try #require(result.status == 0, "\(result.output)")
            let counts = result.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            #expect(counts.count == 2 && counts[0] > 10, "too few files got through: \(result.output)")
            try sh("python3 '\(program("check-record.py"))' '\(target)' '\(record)'", seconds: 60)
            cluster.stop()
            try cluster.start()
            try sh("python3 '\(program("check-record.py"))' '\(target)' '\(record)'", seconds: 60)
        }

        @Test("kill -9 of the whole cluster at once loses nothing that was closed", .timeLimit(.minutes(3)))
        func killEverything() throws {
            let cluster = try TestCluster()
            let target = cluster.mount + "/copy"
            let record = cluster.directory + "/record"
            try sh("mkdir '\(target)'")
            let writer = BackgroundShell("exec python3 '\(program("record-writes.py"))' '\(target)' '\(record)' 4")
            try Self.awaitWrites(10, record)
            let services = ["registry", "shard", "cdc", "block", "gc", "mount"].compactMap { cluster.pid(of: $0) }
            #expect(services.count == 6)
            try cluster.killSupervisor()
            services.forEach { kill($0, SIGKILL) }
            _ = writer.wait(seconds: 60)
            _ = shell("umount -l '\(cluster.mount)'")
            try cluster.start()
            try sh("python3 '\(program("check-record.py"))' '\(target)' '\(record)'", seconds: 60)
        }

        /// Waits until `count` more files are recorded as closed or failed, so that a kill comes in the middle of it.
        private static func awaitWrites(_ count: Int, _ record: String) throws {
            func lines() -> Int { (FileManager.default.contents(atPath: record) ?? Data()).count { $0 == 10 } }
            let before = lines()
            try waitUntil(seconds: 60, "\(count) files more") { lines() >= before + count }
        }
    }
}
