import Testing

extension EndToEnd {
    /// What NFS servers need of a filesystem that they export: files and directories by number, with nobody remembering
    /// how they were found.
    @Suite(.serialized) struct ExportTests {
        @Test("handles of files and directories are good after dropped caches, a remount and renames",
            .timeLimit(.minutes(2)))
        func handles() throws {
            let cluster = try TestCluster()
            let (mount, saved) = (cluster.mount, cluster.directory + "/handles")
            let export = "python3 '\(program("export.py"))'"
            try sh(
                """
                mkdir -p '\(mount)/a/b/c'; cd '\(mount)/a/b/c'; echo deep > file; echo other > ../other; cd /
                \(export) save '\(mount)' '\(saved)' . a a/b a/b/c a/b/c/file a/b/other
                """)
            let whole = ".: a;a: b;a/b: c other;a/b/c: file;deep;other"
            func open() throws -> String {
                try sh("\(export) open '\(mount)' '\(saved)' | paste -sd';'", seconds: 30)
            }
            #expect(try open() == whole)
            // Whoever asks first asks for the deepest: nothing on the way to it is known.
            try sh("sync; echo 3 > /proc/sys/vm/drop_caches")
            #expect(try open() == whole)
            try cluster.remount()
            #expect(try open() == whole)
            try sh("mv '\(mount)/a/b' '\(mount)/moved'; echo more >> '\(mount)/moved/c/file'; rmdir '\(mount)/a'")
            try cluster.remount()
            #expect(try open() == ".: moved;ESTALE;moved: c other;moved/c: file;deep;other")
        }

        @Test("handles of hidden places and of what is in them", .timeLimit(.minutes(2)))
        func snapshots() throws {
            let cluster = try TestCluster()
            let (mount, saved) = (cluster.mount, cluster.directory + "/handles")
            let export = "python3 '\(program("export.py"))'"
            try sh(
                """
                set -e; cd '\(mount)'; mkdir -p a/gone
                echo one > a/f; echo two > a/f; echo deep > a/gone/g; rm -r a/gone
                paths=(a/.sterna a/.sterna/f@* a/.sterna/gone@* a/.sterna/gone@*/g@* .sterna); cd /
                \(export) save '\(mount)' '\(saved)' "${paths[@]}"
                """)
            func open() throws -> [String] {
                try sh("\(export) open '\(mount)' '\(saved)'", seconds: 30).split(separator: "\n").map(String.init)
            }
            func check(_ opened: [String], knowsRemoved: Bool) {
                #expect(opened.count == 5, "\(opened)")
                guard opened.count == 5 else { return }
                #expect(opened[0].hasPrefix("a/.sterna: f@") && opened[0].contains(" gone@"))
                #expect(opened[1] == "one" && opened[3] == "deep" && opened[4] == ".sterna: ")
                // Where a removed directory was only this mount remembers.
                let isFound = opened[2].hasPrefix("a/.sterna/gone@") && opened[2].contains(": g@")
                #expect(knowsRemoved ? isFound : opened[2] == "ESTALE")
            }
            check(try open(), knowsRemoved: true)
            try sh("sync; echo 3 > /proc/sys/vm/drop_caches")
            check(try open(), knowsRemoved: true)
            try cluster.remount()
            check(try open(), knowsRemoved: false)
        }
    }
}
