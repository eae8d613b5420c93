import Foundation
import Testing

extension EndToEnd {
    /// Finished files that programs change, through one mount and through two.
    @Suite(.serialized) struct EditTests {
        @Test("edits anywhere, appends, locks, numbers and followers, seen by two mounts", .timeLimit(.minutes(3)))
        func edits() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            try sh("python3 '\(program("edit-finished.py"))' '\(cluster.mount)' '\(second.path)'", seconds: 150)
        }

        @Test("files are written through shared mappings", .timeLimit(.minutes(2)))
        func mappings() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            try sh("python3 '\(program("map-shared.py"))' '\(cluster.mount)' '\(second.path)'", seconds: 100)
        }

        @Test("space is allocated and freed, copies share their spans", .timeLimit(.minutes(2)))
        func ranges() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            try sh("python3 '\(program("ranges.py"))' '\(cluster.mount)' '\(second.path)'", seconds: 100)
        }

        @Test("a handle as NFS servers keep it finds the file after edits, dropped caches and a remount",
            .timeLimit(.minutes(2)))
        func handles() throws {
            let cluster = try TestCluster()
            let (mount, saved) = (cluster.mount, cluster.directory + "/handle")
            let handles = "python3 '\(program("handles.py"))'"
            try sh("echo one > '\(mount)/file'; \(handles) save '\(mount)' '\(saved)'; echo two >> '\(mount)/file'")
            #expect(try sh("\(handles) open '\(mount)' '\(saved)'") == "one\ntwo")
            try sh("echo 2 > /proc/sys/vm/drop_caches; echo three > '\(mount)/file'")
            #expect(try sh("\(handles) open '\(mount)' '\(saved)'") == "three")
            try cluster.remount()
            #expect(try sh("\(handles) open '\(mount)' '\(saved)'") == "three")
        }

        @Test("--fsync=store keeps files invisible, --exclusive=create reserves names", .timeLimit(.minutes(2)))
        func options() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster, "--fsync=store --exclusive=create")
            defer { _ = second.end() }
            try sh(
                """
                python3 - '\(second.path)' '\(cluster.mount)' <<'EOF'
                import os, sys
                own, other = sys.argv[1:]
                fd = os.open(f"{own}/stored", os.O_WRONLY | os.O_CREAT)
                os.write(fd, b"data")
                os.fsync(fd)
                assert not os.path.exists(f"{other}/stored")
                os.close(fd)
                assert open(f"{other}/stored", "rb").read() == b"data"
                fd = os.open(f"{own}/lock", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
                try:
                    os.open(f"{other}/lock", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
                except FileExistsError:
                    pass
                else:
                    raise SystemExit("both have the lock")
                os.close(fd)
                EOF
                """)
        }
    }
}
