import Testing

extension EndToEnd {
    /// Names, directories and what the filesystem refuses.
    @Suite(.serialized) struct NamespaceTests {
        @Test("a directory of 2,000 entries lists completely and once, also by seeking", .timeLimit(.minutes(5)))
        func largeDirectory() throws {
            let cluster = try TestCluster()
            let directory = cluster.mount + "/many"
            try sh(
                "mkdir '\(directory)'; cd '\(directory)'; for i in $(seq 1 1900); do : > \"name-$i\"; done",
                seconds: 120)
            try sh(
                "cd '\(directory)'; for i in $(seq 1 60); do mkdir \"dir-$i\"; ln -s \"name-$i\" \"link-$i\"; done",
                seconds: 60)
            #expect(try sh("ls -U '\(directory)' | wc -l") == "2020")
            #expect(try sh("ls -U '\(directory)' | sort -u | wc -l") == "2020")
            try sh("python3 '\(program("seek-directory.py"))' '\(directory)'", seconds: 60)
            try sh("rm -r '\(directory)'", seconds: 120)
            #expect(try sh("ls -A '\(cluster.mount)'").isEmpty)
        }

        @Test(
            "renames: in a directory, across, over a file, of directories; loops are refused", .timeLimit(.minutes(2)))
        func renames() throws {
            let cluster = try TestCluster()
            try sh(
                """
                set -ex; cd '\(cluster.mount)'
                mkdir a b a/deep a/deep/er
                echo one > a/one; echo two > b/two
                mv a/one a/uno;          [ "$(cat a/uno)" = one ]; ! [ -e a/one ]
                mv a/uno b/one;          [ "$(cat b/one)" = one ]; ! [ -e a/uno ]
                mv b/one b/two;          [ "$(cat b/two)" = one ]; ! [ -e b/one ]
                echo three > a/three
                mv a/three b/two;        [ "$(cat b/two)" = three ]
                mv b a/;                 [ "$(cat a/b/two)" = three ]
                mv a/deep deep;          [ -d deep/er ]; ! [ -e a/deep ]
                python3 - <<'EOF'
                import errno, os
                def refused(number, call, *arguments):
                    try: call(*arguments)
                    except OSError as error: assert error.errno == number, (error, arguments)
                    else: raise SystemExit(f"{arguments} was not refused")
                refused(errno.EINVAL, os.rename, "deep", "deep/er/loop")
                refused(errno.ENOTEMPTY, os.rmdir, "a")
                refused(errno.ENOENT, os.rename, "none", "other")
                refused(errno.EEXIST, os.mkdir, "a")
                refused(errno.ENOTDIR, os.rmdir, "a/b/two")
                refused(errno.EISDIR, os.rename, "a/b/two", "deep")
                refused(errno.ENOTDIR, os.rename, "deep", "a/b/two")
                refused(errno.ENOENT, os.unlink, "none")
                refused(errno.ENAMETOOLONG, os.mkdir, "n" * 256)
                os.mkdir("n" * 255); os.rmdir("n" * 255)
                EOF
                """)
        }

        @Test("what the filesystem cannot do answers the right errno", .timeLimit(.minutes(2)))
        func refusals() throws {
            let cluster = try TestCluster()
            try sh(
                """
                set -e; cd '\(cluster.mount)'
                echo finished > f
                python3 - <<'EOF'
                import errno, os
                def refused(numbers, call):
                    try: call()
                    except OSError as error: assert error.errno in numbers, error
                    else: raise SystemExit("was not refused")
                refused({errno.EPERM, errno.EOPNOTSUPP}, lambda: os.link("f", "hard"))
                refused({errno.EEXIST}, lambda: os.open("f", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                refused({errno.EINVAL}, lambda: os.utime("f", (-1, -1)))
                refused({errno.EINVAL}, lambda: os.utime("f", (9300000000, 9300000000)))
                assert open("f").read() == "finished\\n"
                EOF
                """)
        }

        @Test("two mounts of one cluster see each other's work", .timeLimit(.minutes(2)))
        func twoMounts() throws {
            let cluster = try TestCluster()
            let other = try SecondMount(of: cluster)
            defer { _ = other.end() }
            let second = other.path
            try sh("echo first > '\(cluster.mount)/f'; [ \"$(cat '\(second)/f')\" = first ]")
            try sh("mkdir '\(second)/d'; echo x > '\(second)/d/x'")
            try waitUntil(seconds: 20, "the other mount sees it") {
                shell("[ \"$(cat '\(cluster.mount)/d/x')\" = x ]").status == 0
            }
            // A file under construction is nowhere to be seen for others.
            try sh(
                """
                exec 5> '\(cluster.mount)/unfinished'; echo half >&5
                ! [ -e '\(second)/unfinished' ]; exec 5>&-
                """)
            try waitUntil(seconds: 20, "the other mount sees it") {
                shell("[ \"$(cat '\(second)/unfinished')\" = half ]").status == 0
            }
        }
    }
}
