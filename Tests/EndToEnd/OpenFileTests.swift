import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Files that are open for longer than their shard's patience, or while servers are away.
    @Suite(.serialized) struct OpenFileTests {
        @Test("a file that is silent for longer than the transient deadline is still there", .timeLimit(.minutes(3)))
        func silence() throws {
            let cluster = try TestCluster(
                "--with shard:--transient-deadline=10 --with gc:--destruct-interval=1 --with mount:--fsync=store")
            let (file, source) = (cluster.mount + "/log", cluster.directory + "/source")
            try sh("head -c 30M /dev/urandom > '\(source)'")
            // Its first spans are stored; then the deadline passes more than once.
            try sh(
                """
                set -e; exec 3> '\(file)'; head -c 28M '\(source)' >&3; sync '\(file)'
                sleep 25; tail -c 2M '\(source)' >&3; exec 3>&-; cmp '\(file)' '\(source)'
                """, seconds: 90)
        }

        @Test(
            "close says ETIMEDOUT while shards are away, and the file appears when they are back",
            .timeLimit(.minutes(3)))
        func outage() throws {
            let cluster = try TestCluster("--with mount:--timeout=2")
            let (file, source) = (cluster.mount + "/file", cluster.directory + "/source")
            try sh("head -c 25M /dev/urandom > '\(source)'")
            let writer = BackgroundShell(
                """
                exec 3> '\(file)'; cat '\(source)' >&3; touch '\(cluster.directory)/written'
                while [ ! -e '\(cluster.directory)/stopped' ]; do sleep 0.1; done
                python3 -c 'import os; os.close(3)'; exec 3>&-
                """)
            try waitUntil(seconds: 60, "the file is written") {
                FileManager.default.fileExists(atPath: cluster.directory + "/written")
            }
            let shard = try #require(cluster.pid(of: "shard"))
            kill(shard, SIGSTOP)
            defer { kill(shard, SIGCONT) }
            try sh("touch '\(cluster.directory)/stopped'")
            _ = writer.wait(seconds: 60)
            // For longer than a request is tried.
            let mount = try #require(cluster.pid(of: "mount"))
            try waitUntil(seconds: 60, "a request was given up") {
                kill(mount, SIGUSR1)
                return shell(
                    "grep -q 'mount_requests_timed_out_total [1-9]' '\(cluster.directory)/log/mount.log'"
                ).status == 0
            }
            kill(shard, SIGCONT)
            try waitUntil(seconds: 60, "the file has appeared") {
                shell("cmp '\(file)' '\(source)'", seconds: 30).status == 0
            }
            try cluster.remount()
            try sh("cmp '\(file)' '\(source)'")
        }

        @Test("what fsync said is stored appears although its writer is killed", .timeLimit(.minutes(2)))
        func fsyncAndKill() throws {
            let cluster = try TestCluster()
            let file = cluster.mount + "/file"
            let script = """
                import os, signal, sys
                file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
                os.write(file, b'precious')
                if sys.argv[2] == 'sync': os.fsync(file)
                os.kill(os.getpid(), signal.SIGKILL)
                """
            try script.write(toFile: cluster.directory + "/write.py", atomically: true, encoding: .utf8)
            _ = shell("python3 '\(cluster.directory)/write.py' '\(file)' sync")
            try waitUntil(seconds: 30, "the file has appeared") {
                shell("[ \"$(cat '\(file)')\" = precious ]", seconds: 30).status == 0
            }
            try cluster.remount()
            try sh("[ \"$(cat '\(file)')\" = precious ]")
            // The mount's end takes nothing of it, either.
            let writer = BackgroundShell(
                "exec 3> '\(file)-3'; printf precious >&3; sync '\(file)-3'; touch '\(cluster.directory)/synced'; sleep 60")
            try waitUntil(seconds: 30, "it is synced") {
                FileManager.default.fileExists(atPath: cluster.directory + "/synced")
            }
            try cluster.killAndAwaitRestart("mount")
            writer.signal(9)
            _ = writer.wait(seconds: 10)
            try sh("[ \"$(cat '\(file)-3')\" = precious ]")
            _ = shell("python3 '\(cluster.directory)/write.py' '\(file)-2' none")
            try cluster.remount()
            try sh("[ ! -e '\(file)-2' ]")
        }
    }
}
