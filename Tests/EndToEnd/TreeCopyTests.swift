import Testing

extension EndToEnd {
    /// Real trees in and out, by the tools people use.
    @Suite(.serialized) struct TreeCopyTests {
        /// A tree of more than 5,000 files with sub-directories, symbolic links, empty and odd-sized files.
        static func makeTree(_ path: String) throws {
            try sh(
                """
                set -e
                mkdir -p '\(path)'; cd '\(path)'
                python3 - <<'EOF'
                import os, random
                random.seed(1)
                for i in range(5200):
                    d = f"d{i % 37}/e{i % 11}"
                    os.makedirs(d, exist_ok=True)
                    size = random.choice([0, 1, 100, 255, 256, 1000, 4095, 4096, 4097, 20000, random.randrange(60000)])
                    with open(f"{d}/file {i}", "wb") as f: f.write(random.randbytes(size))
                    os.utime(f"{d}/file {i}", (1600000000 + i, 1500000000 + i))
                for i in range(50): os.symlink(f"../e{i % 11}/file {i}", f"d{i % 37}/link{i}")
                os.symlink("/nowhere/" + "x" * 200, "dangling")
                EOF
                """)
        }

        @Test(
            "cp -a, tar and rsync copy a tree of 5,200 files in, and diff -r finds no difference",
            .timeLimit(.minutes(10)))
        func copyTree() throws {
            let cluster = try TestCluster()
            let source = cluster.directory + "/source"
            let mount = cluster.mount
            try Self.makeTree(source)
            try sh("cp -a '\(source)' '\(mount)/by-cp'", seconds: 180)
            try sh("diff -r --no-dereference '\(source)' '\(mount)/by-cp'", seconds: 120)
            try sh(
                "mkdir '\(mount)/by-tar' && tar -C '\(source)' -cf - . | tar -C '\(mount)/by-tar' -xf -", seconds: 180)
            try sh("rsync -a '\(source)/' '\(mount)/by-rsync/'", seconds: 180)
            // The second finds nothing to do, times of directories included.
            try sh("test -z \"$(rsync -aAXin --delete '\(source)/' '\(mount)/by-rsync/')\"", seconds: 120)
            try cluster.remount()
            try sh("diff -r --no-dereference '\(source)' '\(mount)/by-cp'", seconds: 120)
            try sh("diff -r --no-dereference '\(source)' '\(mount)/by-tar'", seconds: 120)
            try sh("diff -r --no-dereference '\(source)' '\(mount)/by-rsync'", seconds: 120)
            let times = "find . -type f -printf '%T@ %s %p\\n' | sort"
            try sh("diff <(cd '\(source)'; \(times)) <(cd '\(mount)/by-cp'; \(times))", seconds: 120)
            try sh("rm -r '\(mount)'/by-*", seconds: 180)
            #expect(try sh("ls -A '\(mount)'").isEmpty)
        }

        @Test("a restarted cluster has everything again", .timeLimit(.minutes(5)))
        func restart() throws {
            let cluster = try TestCluster()
            try sh("cp -a /usr/include/linux '\(cluster.mount)/linux'", seconds: 120)
            try sh(
                "head -c 40000000 /dev/urandom > '\(cluster.directory)/big'; cp '\(cluster.directory)/big' '\(cluster.mount)/'"
            )
            cluster.stop()
            #expect(try sh("ls -A '\(cluster.mount)'").isEmpty, "nothing may be left mounted")
            try cluster.start()
            try sh("diff -r --no-dereference /usr/include/linux '\(cluster.mount)/linux'", seconds: 120)
            try sh("cmp '\(cluster.directory)/big' '\(cluster.mount)/big'")
            try sh("cp -a /usr/include/asm-generic '\(cluster.mount)/'", seconds: 60)
            try sh("diff -r /usr/include/asm-generic '\(cluster.mount)/asm-generic'", seconds: 60)
        }
    }
}
