import Client
import Glibc
import Protocol
import Testing

extension EndToEnd {
    /// The mount as the kernel and people's commands see it: how it begins and ends, what is asked.
    @Suite(.serialized) struct MountSessionTests {
        /// A program that has a file of the mount open and writes to it once more when `mark`, which it makes, is gone.
        private static func user(of mount: SecondMount, until mark: String) throws -> BackgroundShell {
            let user = BackgroundShell(
                """
                exec 5> '\(mount.path)/file'; echo one >&5
                touch '\(mark)'; while [ -e '\(mark)' ]; do sleep 0.05; done
                echo two >&5; exec 5>&-
                """)
            try waitUntil(seconds: 20, "it is open") { shell("test -e '\(mark)'").status == 0 }
            return user
        }

        @Test("a busy mount stays when somebody unmounts it, and ends when nobody uses it", .timeLimit(.minutes(2)))
        func busy() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            let mark = cluster.directory + "/open"
            let user = try Self.user(of: second, until: mark)
            let refused = shell("LC_ALL=C umount '\(second.path)'")
            #expect(refused.status == 32 && refused.output.contains("busy"), "\(refused.output)")
            try sh("rm '\(mark)'")
            #expect(user.wait(seconds: 20).status == 0)
            try sh("cat '\(second.path)/file' '\(cluster.mount)/file' | paste -sd, | grep -qx one,two,one,two")
            try sh("umount '\(second.path)'")
            #expect(second.wait(seconds: 30).status == 0)
            try sh("grep -q 'shutting down: unmounted' '\(second.log)'; ! mountpoint -q '\(second.path)'")
        }

        @Test("after a lazy unmount who has files open goes on, and the last one's close ends the mount",
            .timeLimit(.minutes(2)))
        func lazy() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            let mark = cluster.directory + "/open"
            let user = try Self.user(of: second, until: mark)
            try sh("umount -l '\(second.path)'; rm '\(mark)'")
            #expect(user.wait(seconds: 20).status == 0)
            #expect(second.wait(seconds: 30).status == 0)
            try sh("paste -sd, '\(cluster.mount)/file' | grep -qx one,two")
        }

        @Test("a killed mount is ENOTCONN, and a new one takes its place", .timeLimit(.minutes(2)))
        func killed() throws {
            let cluster = try TestCluster()
            var second: SecondMount? = try SecondMount(of: cluster)
            let path = try #require(second).path
            try sh("echo kept > '\(path)/file'")
            try sh("exec 5< '\(path)/file'; kill -9 $(cat '\(cluster.directory)/second.pid'); sleep 0.2; ! cat <&5")
            _ = second?.wait(seconds: 20)
            second = nil
            let dead = shell("LC_ALL=C ls '\(path)'")
            #expect(dead.output.contains("Transport endpoint is not connected"), "\(dead.output)")
            let third = try SecondMount(of: cluster)
            try sh("grep -qx kept '\(third.path)/file'")
            #expect(third.end().status == 0)
            #expect(shell("mountpoint -q '\(path)'").status != 0)
        }

        @Test("a mount of a user who is not root, by fusermount3", .timeLimit(.minutes(2)))
        func unprivileged() throws {
            let cluster = try TestCluster()
            let user = UnprivilegedUser(in: cluster.directory)
            try user.own("second", "second.log")
            let second = try SecondMount(of: cluster, wrapper: user.inOwnNamespace)
            let mine = user.inNamespaceOf("second.pid")
            try sh(
                """
                \(mine) bash -ec 'echo mine > "\(second.path)/file"; [ $(stat -c %u "\(second.path)/file") = 65534 ]'
                grep -qx mine '\(cluster.mount)/file'
                # Without allow_other it is nobody else's, root included.
                ! nsenter --mount -t $(cat '\(cluster.directory)/second.pid') ls '\(second.path)' 2> /dev/null
                \(mine) grep ' \(second.path) .* - fuse.sterna ' /proc/self/mountinfo | grep nosuid | grep -q nodev
                \(mine) fusermount3 -u '\(second.path)'
                """)
            #expect(second.wait(seconds: 30).status == 0)
        }

        @Test("sterna sync publishes what is being written; elsewhere it says that there is no mount", .timeLimit(.minutes(2)))
        func sync() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            let sync = "'\(TestCluster.binaries)/sterna' sync"
            try sh(
                """
                exec 5> '\(second.path)/a' 6> '\(second.path)/b'; echo one >&5; echo two >&6
                ! [ -e '\(cluster.mount)/a' ]
                \(sync) '\(second.path)'
                cat '\(cluster.mount)/a' '\(cluster.mount)/b' | paste -sd, | grep -qx one,two
                echo three >&5; \(sync) '\(second.path)/b'
                paste -sd, '\(cluster.mount)/a' | grep -qx one,three
                # It shows what others have not finished: nobody but root and whoever has mounted may.
                ! setpriv --reuid 65534 --clear-groups \(sync) '\(second.path)' 2> '\(cluster.directory)/said'
                grep -qi 'not permitted' '\(cluster.directory)/said'
                """)
            // Pages that only the kernel has.
            try sh(
                """
                python3 -c '
                import mmap, os, subprocess, sys
                file = os.open(sys.argv[1] + "/mapped", os.O_RDWR | os.O_CREAT)
                os.ftruncate(file, 1 << 20)
                pages = mmap.mmap(file, 1 << 20)
                pages[5000:5004] = b"kept"
                subprocess.run(sys.argv[2:] + [sys.argv[1]], check=True)
                sys.stdout.flush(); os.kill(os.getpid(), 9)
                ' '\(second.path)' '\(TestCluster.binaries)/sterna' sync || true
                [ "$(dd if='\(cluster.mount)/mapped' bs=1 skip=5000 count=4 status=none)" = kept ]
                """)
            let elsewhere = shell("\(sync) '\(cluster.directory)'")
            #expect(elsewhere.status != 0 && elsewhere.output.contains("no mount of a cluster"), "\(elsewhere.output)")
        }

        @Test(".sterna shows what was overwritten and deleted; copying out brings it back", .timeLimit(.minutes(2)))
        func snapshots() throws {
            let cluster = try TestCluster()
            try sh(
                """
                set -e; cd '\(cluster.mount)'; mkdir d; cd d
                echo one > f; sleep 0.01; echo two > f; head -c 3M /dev/urandom > big; cp big ../copy; rm big; ln -s f link; rm link
                [ "$(ls -A | paste -sd,)" = f ]
                ls -l .sterna | grep -v ^total | wc -l | grep -qx 3
                grep -qx one .sterna/f@*; cmp .sterna/big@* ../copy; [ "$(readlink .sterna/link@*)" = f ]
                cp -p .sterna/f@* f; grep -qx one f; cp .sterna/big@* big; cmp big ../copy
                for change in 'touch .sterna/new' 'rm .sterna/big@*' 'mkdir .sterna/new' 'echo x > "$(ls -d .sterna/big@*)"' \
                    'mv f .sterna/f' 'truncate -s 0 .sterna/big@*' 'chmod 600 .sterna/big@*' 'rmdir .sterna' \
                    'mv .sterna other'; do
                    if said=$(LC_ALL=C bash -c "$change" 2>&1); then echo "$change works"; exit 1; fi
                    echo "$said" | grep -q 'Read-only' || { echo "$change: $said"; exit 1; }
                done
                mkdir .sterna 2> /dev/null && exit 1
                find .. -name '.sterna*' | wc -l | grep -qx 0
                # Rights are those that the version had.
                echo secret > s; chmod 600 s; echo open > o; rm s o
                user='setpriv --reuid 65534 --regid 65534 --clear-groups'
                $user cat .sterna/o@* | grep -qx open; ! $user cat .sterna/s@* 2> /dev/null
                cd ..; rm -r d; cat "$(ls -d .sterna/d@*/big@* | head -n 1)" | cmp - copy
                """)
        }

        @Test(
            "no thread waits for I/O to get memory, which a block device on the mount may want; who may not says so",
            .timeLimit(.minutes(2)))
        func ioFlusher() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            // Needs CAP_SYS_RESOURCE. PF_MEMALLOC_NOIO among the flags, the seventh word behind the name.
            let check = """
                set -e; count=0; echo data > '\(second.path)/file'; pid=$(cat '\(cluster.directory)/second.pid')
                may=$((0x$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/$pid/status) >> 24 & 1))
                for task in /proc/$pid/task/*; do
                    words=($(sed 's/.*) //' $task/stat)); count=$((count + 1))
                    [ $((words[6] >> 19 & 1)) = $may ] || { cat $task/stat; exit 1; }
                done
                [ $count -gt 1 ]
                said=$(grep -c 'warning .*I/O flusher.*not permitted.*loop device' '\(second.log)' || true)
                [ $((said > 0)) != $may ]; echo $may
                """
            try sh(check)
            #expect(second.end().status == 0)
            let third = try SecondMount(
                of: cluster, wrapper: "setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource")
            defer { _ = third.end() }
            #expect(try sh(check) == "0")
        }

        @Test("a file of another client's called .sterna is seen, and removed", .timeLimit(.minutes(2)))
        func realPlaces() throws {
            let cluster = try TestCluster()
            try sh("cd '\(cluster.mount)'; mkdir d; echo old > d/f; echo new > d/f; ls d/.sterna | grep -q f@")
            try cluster.withClient { client in
                let directory = try await client.resolve(path: "/d")
                let writer = try await client.createFile(in: directory, note: [])
                try await writer.write(Array("real".utf8), at: 0)
                _ = try await writer.finish(Publication(directory: directory, name: Array(".sterna".utf8)))
            }
            try waitUntil(seconds: 20, "it is seen") {
                shell("grep -qx real '\(cluster.mount)/d/.sterna' 2> /dev/null").status == 0
            }
            try sh(
                """
                set -e; cd '\(cluster.mount)/d'; [ "$(ls -A | paste -sd' ')" = '.sterna f' ]
                mv .sterna other; ls .sterna | grep -q f@; mv other .sterna 2> /dev/null && exit 1
                cd ..; rm -r d; [ ! -e d ]
                """)
        }

        @Test("thousands of snapshots are listed once each, wherever one goes on", .timeLimit(.minutes(3)))
        func manySnapshots() throws {
            let cluster = try TestCluster()
            try cluster.withClient { client in
                let directory = try await client.makeDirectory(Array("d".utf8), in: .root).id
                try await withThrowingTaskGroup { group in
                    for part in 0..<16 {
                        group.addTask {
                            for _ in 0..<200 {
                                let writer = try await client.createFile(in: directory, note: [])
                                _ = try await writer.finish(
                                    Publication(directory: directory, name: Array("file \(part)".utf8)))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            let listed = try sh("python3 '\(program("seek.py"))' '\(cluster.mount)/d/.sterna'", seconds: 100)
            #expect(listed == "3186")
        }

        @Test("the kernel does not ask for attributes at every write, and its requests are counted",
            .timeLimit(.minutes(2)))
        func requests() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            try sh(
                """
                cd '\(second.path)'; dd if=/dev/zero of=file bs=4096 count=1000 status=none
                mkdir many; for i in $(seq 100); do : > many/$i; done
                """)
            let counts = try second.counters()
            #expect(counts["mount_requests_write_total"] == 1000)
            #expect(counts["mount_requests_create_total"] == 101 && counts["mount_requests_init_total"] == 1)
            // For each new file whether its directory may be used, and not whether the file may: of that there may have
            // been time to forget the answer.
            #expect(counts["mount_requests_getattr_total", default: 0] < 180)
            #expect(counts["mount_requests_getxattr_total", default: 0] < 10)
            #expect(second.end().status == 0)
        }
    }
}
