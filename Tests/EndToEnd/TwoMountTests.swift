import Glibc
import Testing

extension EndToEnd {
    /// What two mounts of one cluster must agree about.
    @Suite(.serialized) struct TwoMountTests {
        @Test(
            "of two mkdirs of one name one succeeds (F-17); a rename replaces an empty directory (F-18)",
            .timeLimit(.minutes(2)))
        func directories() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            try sh("python3 '\(program("race-mkdir.py"))' '\(cluster.mount)' '\(second.path)'", seconds: 60)
            try sh("python3 '\(program("replace-directory.py"))' '\(cluster.mount)' '\(second.path)'", seconds: 30)
        }

        @Test("one program edits a file on both: its second close is refused, and nothing lost", .timeLimit(.minutes(2)))
        func oneProgram() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            try sh("python3 '\(program("one-program-two-mounts.py"))' '\(cluster.mount)' '\(second.path)'", seconds: 60)
        }

        @Test("both append to one log: every acknowledged line is there", .timeLimit(.minutes(2)))
        func appends() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            try sh("python3 '\(program("append-race.py"))' '\(cluster.mount)' '\(second.path)' 60", seconds: 100)
        }

        @Test(
            "a continued file that the other host changed meanwhile: appends go behind, patches are refused",
            .timeLimit(.minutes(2)))
        func continuations() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            try sh("python3 '\(program("append-other-host.py"))' '\(cluster.mount)' '\(second.path)'")
        }

        @Test(
            "a mount that cannot see its callers publishes when they close, and says so at the start",
            .timeLimit(.minutes(2)))
        func unseenCallers() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster, wrapper: "unshare --pid --fork")
            defer { _ = second.end() }
            try sh("python3 '\(program("unseen-callers.py"))' '\(second.path)' '\(cluster.mount)'", seconds: 90)
            try sh("grep -q 'warning .*pid namespace' '\(second.log)'")
        }

        @Test(
            "a mount in pid and mount namespaces of its own serves writers outside and inside", .timeLimit(.minutes(2)))
        func container() throws {
            let cluster = try TestCluster()
            let child = "$(echo $(cat /proc/$(cat '\(cluster.directory)/second.pid')/task/*/children))"
            let inside = "nsenter --pid --mount -t \(child)"
            let second = try SecondMount(
                of: cluster, wrapper: "unshare --pid --fork --mount --mount-proc --propagation private")
            defer { _ = second.end() }
            #expect(shell("mountpoint -q '\(second.path)'").status != 0, "it is seen outside")
            try sh("mkdir '\(cluster.mount)/outside' '\(cluster.mount)/inside'")
            try sh(
                """
                mount=/proc/\(child)/root'\(second.path)'
                python3 '\(program("unseen-callers.py"))' "$mount/outside" '\(cluster.mount)/outside'
                """, seconds: 90)
            try sh(
                """
                \(inside) bash -ec 'for i in $(seq 100); do
                    echo $i > "\(second.path)/inside/$i"; [ "$(cat "\(cluster.mount)/inside/$i")" = $i ]; done'
                """, seconds: 90)
        }

        @Test("SIGTERM while shards do not answer leaves no dead mount point", .timeLimit(.minutes(2)))
        func endWithoutShards() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            let written = cluster.directory + "/written"
            let writer = BackgroundShell(
                "exec 5> '\(second.path)/file'; head -c 1000000 /dev/zero >&5; touch '\(written)'; sleep 100")
            defer {
                writer.signal(9)
                _ = writer.wait(seconds: 10)
            }
            try waitUntil(seconds: 20, "something is written") { shell("test -e '\(written)'").status == 0 }
            let shard = try #require(cluster.pid(of: "shard"))
            #expect(kill(shard, SIGSTOP) == 0)
            defer { kill(shard, SIGCONT) }
            let end = second.end(seconds: 30)
            #expect(end.status == 0, "\(end.output)")
            // Its directory, empty as it was before.
            #expect(try sh("ls -A '\(second.path)'").isEmpty)
            #expect(shell("mountpoint -q '\(second.path)'").status != 0)
            try sh("grep -q 'path=/file .*ended' '\(second.log)'")
        }

        @Test("access times follow relatime, and --atime off leaves them alone", .timeLimit(.minutes(2)))
        func accessTimes() throws {
            let cluster = try TestCluster()
            try sh(
                """
                set -e; cd '\(cluster.mount)'; echo x > f; echo x > g
                touch -m -d '2001-01-01' g; touch -a -d '2001-01-02' g
                """)
            let second = try SecondMount(of: cluster, "--atime off")
            let times = "stat -c '%n %x %y' f g"
            let before = try sh("cd '\(second.path)'; cat f g > /dev/null; \(times)")
            #expect(second.end().status == 0)
            try cluster.remount()
            #expect(try sh("cd '\(cluster.mount)'; \(times)") == before)
            let after = try sh(
                """
                set -e; cd '\(cluster.mount)'; cat f g > /dev/null
                # Nobody has read f since it was written, nor g for a day.
                for file in f g; do
                    [ $(stat -c %X $file) -gt $(date -d '1 hour ago' +%s) ]
                    [ "$(stat -c %x $file)" != "$(stat -c %y $file)" ]
                done
                first=$(\(times)); cat f g > /dev/null; [ "$first" = "$(\(times))" ]; echo "$first"
                """)
            // It is set in the background.
            try waitUntil(seconds: 30, "the cluster knows the access times") {
                guard (try? cluster.remount()) != nil else { return false }
                return shell("cd '\(cluster.mount)'; \(times)").output == after + "\n"
            }
        }
    }
}
