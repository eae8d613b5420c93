import Glibc
import Testing

extension EndToEnd {
    /// While servers are away programs wait, as long as nobody kills them.
    @Suite(.serialized) struct OutageTests {
        @Test("whatever a program does while shards are away, it is done when they are back", .timeLimit(.minutes(3)))
        func shards() throws {
            let cluster = try TestCluster()
            let mount = cluster.mount
            try sh(
                """
                cd '\(mount)'; mkdir directory; echo old > finished; echo text > other; head -c 20M /dev/urandom > large
                """)
            let shard = try #require(cluster.pid(of: "shard"))
            kill(shard, SIGSTOP)
            defer { kill(shard, SIGCONT) }
            let programs = [
                "ls -l '\(mount)/directory'", "stat '\(mount)/large'", "mkdir '\(mount)/made'",
                "echo new >> '\(mount)/finished'", "echo first > '\(mount)/first'", "rm '\(mount)/other'",
                "cp '\(mount)/large' '\(mount)/copy'", "ln -s target '\(mount)/link'",
            ].map { BackgroundShell($0) }
            // For longer than a request to a shard is tried by those who do not wait.
            sleep(14)
            kill(shard, SIGCONT)
            for program in programs {
                let end = program.wait(seconds: 60)
                #expect(end.status == 0, "\(end.output)")
            }
            try cluster.remount()
            try sh(
                """
                set -e; cd '\(mount)'; [ -d made ]; [ ! -e other ]; cmp large copy; [ "$(readlink link)" = target ]
                [ "$(cat finished)" = "$(printf 'old\\nnew')" ]; [ "$(cat first)" = first ]
                """)
        }

        @Test("a reader waits for block services that are away", .timeLimit(.minutes(3)))
        func blockServices() throws {
            let cluster = try TestCluster("--block-services 8 --block-processes 8 --policy rs:4,2")
            let source = cluster.directory + "/source"
            try sh("head -c 20M /dev/urandom > '\(source)'; cp '\(source)' '\(cluster.mount)/file'")
            try cluster.remount()
            let pids = try (0..<8).map { try #require(cluster.pid(of: "block-\($0)")) }
            defer { for pid in pids { kill(pid, SIGCONT) } }
            for pid in pids { kill(pid, SIGSTOP) }
            let reader = BackgroundShell("cmp '\(source)' '\(cluster.mount)/file'")
            // For longer than a connection may make no progress.
            sleep(25)
            for pid in pids { kill(pid, SIGCONT) }
            let end = reader.wait(seconds: 100)
            #expect(end.status == 0, "\(end.output)")
            try sh("cmp '\(source)' '\(cluster.mount)/file'")
        }

        @Test("edits, snapshots and long links are read once killed block services are back", .timeLimit(.minutes(3)))
        func killedBlockServices() throws {
            let cluster = try TestCluster("--block-services 8 --block-processes 8 --policy rs:4,2")
            let (mount, directory) = (cluster.mount, cluster.directory)
            try sh(
                """
                set -e; cd '\(mount)'; head -c 20M /dev/urandom > '\(directory)/source'
                for name in finished edited replaced; do cp '\(directory)/source' $name; done
                echo new > replaced; ln -s "$(printf 'to/%.0s' {1..300})" link
                """)
            try cluster.remount()
            let editor = BackgroundShell(
                "exec 5>> '\(mount)/edited'; echo more >&5; touch '\(directory)/open'; exec sleep 1000")
            defer { editor.signal(SIGKILL) }
            try waitUntil(seconds: 60, "there is an edit") { shell("[ -e '\(directory)/open' ]").status == 0 }
            let pids = try (0..<8).map { try #require(cluster.pid(of: "block-\($0)")) }
            let parent = try sh("ps -o ppid= -p \(pids[0])").trimmingCharacters(in: .whitespaces)
            let supervisor = try #require(pid_t(parent))
            // It would start them anew.
            kill(supervisor, SIGSTOP)
            defer { kill(supervisor, SIGCONT) }
            for pid in pids { kill(pid, SIGKILL) }
            let readers = [
                "cmp '\(directory)/source' finished", "cat '\(directory)/source' <(echo more) | cmp - edited",
                "cmp '\(directory)/source' .sterna/replaced@*", "[ $(readlink link | wc -c) = 901 ]",
            ].map { BackgroundShell("cd '\(mount)'; \($0)") }
            // For much longer than it takes to find that nobody listens, three times.
            sleep(6)
            kill(supervisor, SIGCONT)
            for reader in readers {
                let end = reader.wait(seconds: 100)
                #expect(end.status == 0, "\(end.output)")
            }
        }

        /// Programs that are at their place, and begin when a file is there.
        private struct Waiting {
            let directory: String
            let flag: String
            let programs: [BackgroundShell]

            /// - Parameter directory: not on a mount; for the flag, and for files that tell how far they are.
            init(_ commands: [String], at place: String, _ directory: String, _ flag: String) throws {
                (self.directory, self.flag) = (directory, flag)
                programs = commands.map { command in
                    BackgroundShell(
                        """
                        cd '\(place)'; touch '\(directory)'/$$.ready-\(flag); source='\(directory)/source'
                        until [ -e '\(directory)/\(flag)' ]; do sleep 0.1; done
                        touch '\(directory)'/$$.begun-\(flag); \(command)
                        """)
                }
                try awaits(all: "ready")
            }

            func begin() throws {
                try sh("touch '\(directory)/\(flag)'")
                try awaits(all: "begun")
            }

            private func awaits(all what: String) throws {
                try waitUntil(seconds: 60, "all are \(what)") {
                    shell("[ $(ls '\(directory)' | grep -c '\(what)-\(flag)$') = \(programs.count) ]").status == 0
                }
            }
        }

        @Test(
            "who is to wait for ever does, when others have long been told", .timeLimit(.minutes(3)),
            arguments: [
                ("shard", ["chmod 700 d", "ls d", "echo text > new", "echo more >> f"]),
                ("cdc", ["mkdir made", "mkdir d/made"]),
                ("block", ["cp $source copy", "dd if=$source of=synced bs=1M conv=fsync"]),
            ])
        func forever(_ server: String, _ commands: [String]) throws {
            let cluster = try TestCluster("--with mount:--timeout=0")
            let second = try SecondMount(of: cluster, "--timeout 2")
            defer { _ = second.end() }
            let places = [cluster.mount + "/patient", second.path + "/hurried"]
            try sh("head -c 5M /dev/urandom > '\(cluster.directory)/source'")
            for place in places { try sh("mkdir '\(place)'; cd '\(place)'; mkdir d; echo old > f") }
            let patient = try Waiting(commands, at: places[0], cluster.directory, "patient")
            let hurried = try Waiting(commands, at: places[1], cluster.directory, "hurried")
            let pid = try #require(cluster.pid(of: server))
            kill(pid, SIGSTOP)
            defer { kill(pid, SIGCONT) }
            try patient.begin()
            try hurried.begin()
            for program in hurried.programs {
                let end = program.wait(seconds: 60)
                #expect(end.status != 0 && end.output.contains("timed out"), "\(end)")
            }
            kill(pid, SIGCONT)
            for program in patient.programs {
                let end = program.wait(seconds: 60)
                #expect(end.status == 0, "\(end.output)")
            }
        }

        @Test("who waits for the coordinator in a directory holds nobody up elsewhere", .timeLimit(.minutes(2)))
        func lockedDirectory() throws {
            let cluster = try TestCluster("--with mount:--timeout=0")
            let (mount, directory) = (cluster.mount, cluster.directory)
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            try sh("cd '\(mount)'; mkdir d; echo one > other; cat other")
            let writer = BackgroundShell(
                "exec 5> '\(mount)/d/new'; echo text >&5; touch '\(directory)/open'; exec sleep 1000")
            try waitUntil(seconds: 60, "it writes") { shell("[ -e '\(directory)/open' ]").status == 0 }
            let coordinator = try #require(cluster.pid(of: "cdc"))
            kill(coordinator, SIGSTOP)
            defer { kill(coordinator, SIGCONT) }
            let maker = BackgroundShell("echo $$ > '\(directory)/maker.pid'; exec mkdir '\(mount)/d/made'")
            // The numbers of mkdir(2) and mkdirat(2).
            try waitUntil(seconds: 60, "it waits, and holds the directory") {
                shell("grep -qE '^(83|258|34) ' /proc/$(cat '\(directory)/maker.pid')/syscall").status == 0
            }
            writer.signal(SIGKILL)
            _ = writer.wait(seconds: 60)
            try waitUntil(seconds: 60, "what it wrote is given up") {
                shell("grep -q ' path=/d/new ' '\(directory)/log/mount.log'").status == 0
            }
            try sh("echo two >> '\(second.path)/other'")
            #expect(try sh("cat '\(mount)/other'", seconds: 20) == "one\ntwo")
            kill(coordinator, SIGCONT)
            #expect(maker.wait(seconds: 60).status == 0)
        }

        @Test(
            "a signal that kills ends the wait, any other does not, and nothing is lost", .timeLimit(.minutes(3)),
            arguments: ["sync", "close"])
        func signals(_ how: String) throws {
            let cluster = try TestCluster()
            let (mount, directory) = (cluster.mount, cluster.directory)
            let names = ["survivor", "killed"]
            let programs = names.map { name in
                BackgroundShell(
                    """
                    echo $$ > '\(directory)/\(name).pid'
                    exec perl '\(program("interrupted.pl"))' '\(mount)/\(name)' '\(directory)/stopped' \(how) \
                        > '\(directory)/\(name).out' 2>&1
                    """)
            }
            for name in names {
                try waitUntil(seconds: 60, "\(name) has written") {
                    shell("grep -q written '\(directory)/\(name).out'").status == 0
                }
            }
            let shard = try #require(cluster.pid(of: "shard"))
            kill(shard, SIGSTOP)
            defer { kill(shard, SIGCONT) }
            try sh("touch '\(directory)/stopped'")
            // The numbers of fsync(2) and close(2), first those of x86-64.
            let call = how == "sync" ? "74|82" : "3|57"
            try waitUntil(seconds: 60, "both wait in \(how)") {
                names.allSatisfy { name in
                    shell("grep -qE '^(\(call)) ' /proc/$(cat '\(directory)/\(name).pid')/syscall").status == 0
                }
            }
            try sh("for f in survivor killed; do kill -USR1 $(cat '\(directory)'/$f.pid); done; sleep 3")
            try sh("kill -KILL $(cat '\(directory)/killed.pid')")
            #expect(programs[1].wait(seconds: 60).status == 128 + SIGKILL, "it goes although no shard answers")
            kill(shard, SIGCONT)
            #expect(programs[0].wait(seconds: 60).status == 0)
            #expect(try sh("cat '\(directory)/survivor.out'") == "written\ndone after 1 signals")
            try waitUntil(seconds: 60, "what the killed one had asked for is done") {
                shell("[ -e '\(mount)/killed' ]").status == 0
            }
            try cluster.remount()
            #expect(try sh("cd '\(mount)'; stat -c %s survivor killed") == "1048576\n1048576")
        }

        @Test("a program is killed while its write waits: what it was to replace stays", .timeLimit(.minutes(3)))
        func killedInWrite() throws {
            let cluster = try TestCluster()
            let directory = cluster.directory
            let second = try SecondMount(of: cluster, "--memory 64")
            defer { _ = second.end() }
            try sh("echo old > '\(second.path)/file'")
            let writer = BackgroundShell(
                """
                echo $$ > '\(directory)/writer.pid'
                exec perl '\(program("endless.pl"))' '\(second.path)/file' '\(directory)/stopped' \
                    > '\(directory)/writer.out' 2>&1
                """)
            try waitUntil(seconds: 60, "it has written") { shell("grep -q 1 '\(directory)/writer.out'").status == 0 }
            let shard = try #require(cluster.pid(of: "shard"))
            kill(shard, SIGSTOP)
            defer { kill(shard, SIGCONT) }
            // It fills the memory of the mount, and then one write ends no more. The number of write(2) is 1 on x86-64,
            // 64 elsewhere.
            let standsStill = """
                cd '\(directory)'; touch stopped; last=$(tail -n 1 writer.out); [ "$last" -gt 1 ] || exit 1
                for n in 1 2 3 4 5 6 7 8; do
                    grep -qE '^(1|64) ' /proc/$(cat writer.pid)/syscall || exit 1
                    [ "$(tail -n 1 writer.out)" = "$last" ] || exit 1; sleep 0.25
                done
                """
            try waitUntil(seconds: 60, "it waits in write") { shell(standsStill).status == 0 }
            writer.signal(SIGKILL)
            #expect(writer.wait(seconds: 60).status == 128 + SIGKILL, "it goes although no shard answers")
            kill(shard, SIGCONT)
            try waitUntil(seconds: 60, "its loss is told") {
                shell("grep ' path=/file ' '\(second.log)' | grep -q ' errno=EINTR '").status == 0
            }
            // There is room for others again.
            try sh(
                """
                set -e; cd '\(directory)'; head -c 100M /dev/urandom > source; cp source '\(second.path)/other'
                cmp source '\(cluster.mount)/other'
                for place in '\(cluster.mount)' '\(second.path)'; do grep -qx old "$place/file"; done
                """)
        }
    }
}
