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
            #expect(lines.count == 2 && lines.allSatisfy { $0.contains(" errno=EFBIG ") }, "\(lines)")
            #expect(lines.first?.contains(" operation=write ") == true, "\(lines)")
            #expect(lines.last?.contains(" operation=close ") == true, "\(lines)")
            let beyond = log.split(separator: "\n").filter { $0.contains(" path=/d/beyond ") }
            #expect(beyond.first?.contains(" errno=EFBIG ") == true, "\(beyond)")
        }

        @Test("a large file that is not finished can be changed anywhere", .timeLimit(.minutes(2)))
        func patched() throws {
            let cluster = try TestCluster()
            try sh("cd '\(cluster.mount)' && python3 '\(program("patched.py"))'")
        }

        @Test("changes that find no room in the spool fail with ENOSPC, and other files go on", .timeLimit(.minutes(2)))
        func fullSpool() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster, "--memory 64 --spool '\(cluster.directory)' --spool-bytes 1000000")
            defer { _ = second.end() }
            try sh("cd '\(second.path)' && python3 '\(program("full-spool.py"))'")
            let lines = try sh("grep ' path=/full ' '\(second.log)'").split(separator: "\n")
            #expect(lines.count == 2 && lines.allSatisfy { $0.contains(" errno=ENOSPC ") }, "\(lines)")
        }

        @Test("a spool that lies on a mount of a cluster is refused", .timeLimit(.minutes(2)))
        func spoolOnAMount() throws {
            let cluster = try TestCluster()
            try sh("mkdir '\(cluster.mount)/spool' '\(cluster.directory)/other'")
            let refused = shell(
                """
                exec '\(TestCluster.binaries)/sterna-mount' --spool '\(cluster.mount)/spool' \
                    --registry "$(cat '\(cluster.directory)/run/registry.address')" '\(cluster.directory)/other'
                """, seconds: 20)
            #expect(refused.status != 0 && refused.output.contains("on a mount of a cluster"), "\(refused)")
        }

        @Test("versions that are only added to are kept where a directory's policy says so", .timeLimit(.minutes(2)))
        func continuedVersions() throws {
            let cluster = try TestCluster()
            let policy = "'\(TestCluster.binaries)/sterna' policy --key-file '\(cluster.directory)/key'"
                + " --registry \(try sh("cat '\(cluster.directory)/run/registry.address'"))"
            try sh("mkdir '\(cluster.mount)/d' '\(cluster.mount)/d/below'")
            #expect(try sh("\(policy) /d/below") == "continued    drop")
            #expect(try sh("\(policy) /d --continued keep") == "continued    keep")
            #expect(try sh("\(policy) /d/below") == "continued    keep")
            try sh("cd '\(cluster.mount)/d/below' && echo one > f && echo two >> f && ls .sterna | grep -q '^f@'")
            #expect(try sh("\(policy) /d --continued inherit") == "continued    drop")
            #expect(shell("\(policy) /none").status != 0)
        }

        @Test("a child goes on with the file of a killed program", .timeLimit(.minutes(2)))
        func killedCreator() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            try sh("cd '\(cluster.mount)' && python3 '\(program("killed-creator.py"))'")
            try sh("until [ \"$(cat '\(second.path)/heir' 2>&1)\" = ab ]; do sleep 0.1; done", seconds: 30)
        }

        @Test("files that are open for writing go on without their name", .timeLimit(.minutes(2)))
        func unlinked() throws {
            let cluster = try TestCluster()
            try sh("cd '\(cluster.mount)' && python3 '\(program("unlinked.py"))'")
        }
    }
}
