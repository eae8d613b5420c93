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
    }
}
