import Foundation
import Testing

extension EndToEnd {
    /// What cannot be stored is said, to the program and in the log.
    @Suite(.serialized) struct LossTests {
        @Test("the first error of a file sticks, nothing appears, and the log has a line", .timeLimit(.minutes(2)))
        func firstError() throws {
            let cluster = try TestCluster()
            try sh("mkdir '\(cluster.mount)/d'; cd '\(cluster.mount)/d' && python3 '\(program("first-error.py"))'")
            let log = try String(contentsOfFile: cluster.directory + "/log/mount.log", encoding: .utf8)
            let lines = log.split(separator: "\n").filter { $0.contains(" path=/d/damaged ") }
            #expect(lines.count == 2 && lines.allSatisfy { $0.contains(" errno=EPERM ") }, "\(lines)")
            #expect(lines.first?.contains(" operation=write ") == true, "\(lines)")
            #expect(lines.last?.contains(" operation=close ") == true, "\(lines)")
            let beyond = log.split(separator: "\n").filter { $0.contains(" path=/d/beyond ") }
            #expect(beyond.first?.contains(" errno=EFBIG ") == true, "\(beyond)")
        }

        @Test("files that are open for writing go on without their name", .timeLimit(.minutes(2)))
        func unlinked() throws {
            let cluster = try TestCluster()
            try sh("cd '\(cluster.mount)' && python3 '\(program("unlinked.py"))'")
        }

        @Test("shared mappings for writing are refused, others work", .timeLimit(.minutes(2)))
        func mappings() throws {
            let cluster = try TestCluster()
            try sh("cd '\(cluster.mount)' && python3 '\(program("map-shared.py"))'")
        }
    }
}
