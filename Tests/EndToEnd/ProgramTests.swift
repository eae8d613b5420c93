import Testing

extension EndToEnd {
    /// Programs that people really use, with their ways of opening, duplicating, patching and closing files.
    @Suite(.serialized) struct ProgramTests {
        @Test("shell redirections, dd, gzip, sed -i, tee, sort -o, tar, groups and pipes", .timeLimit(.minutes(3)))
        func shellPrograms() throws {
            let cluster = try TestCluster()
            try sh(
                """
                set -ex; cd '\(cluster.mount)'
                echo hello > a;                              [ "$(cat a)" = hello ]
                (echo one; echo two) > b;                    [ "$(wc -l < b)" = 2 ]
                { echo one; ls /; date; } > c;               [ "$(head -1 c)" = one ]
                dd if=/dev/zero of=d bs=4096 count=300 2> /dev/null; [ $(stat -c %s d) = 1228800 ]
                head -c 500000 /dev/urandom | tee e > f;     cmp e f
                gzip -k e; gunzip -c e.gz | cmp - e
                printf 'b\\na\\n' > g; sort -o g g;           [ "$(head -1 g)" = a ]
                sed -i s/hello/goodbye/ a;                   [ "$(cat a)" = goodbye ]
                echo new > a;                                [ "$(cat a)" = new ]
                cp e a;                                      cmp e a
                exec 5> h; echo 1 >&5; (echo 2 >&5); echo 3 >&5; exec 5>&-; [ "$(paste -sd, h)" = 1,2,3 ]
                sh -c '(sleep 1; echo late) &' > i; for n in $(seq 50); do [ -s i ] && break; sleep 0.1; done
                [ "$(cat i)" = late ]
                truncate -s 1000000 j;                       [ $(stat -c %s j) = 1000000 ]
                : > empty; [ -f empty ] && ! [ -s empty ]
                touch touched; [ -f touched ]
                touch -d '2001-02-03 04:05:06.789' a;        [ "$(stat -c %y a | cut -c1-23)" = '2001-02-03 04:05:06.789' ]
                ln -s a link; [ "$(readlink link)" = a ]; cmp link e
                install -m 644 e k; cmp e k
                echo 1 > m; echo 2 >> m; mv m n; echo 3 >> n; [ "$(paste -sd, n)" = 1,2,3 ]; ! [ -e m ]
                cp /bin/true true; ./true; chmod 600 true; ! ./true; chmod +x true; ./true
                mkdir -p deep/er; [ "$(ls -ai deep/er | awk '$2 == ".." { print $1 }')" = "$(stat -c %i deep)" ]
                [ "$(ls -ai deep | awk '$2 == ".." { print $1 }')" = "$(stat -c %i .)" ]
                tar czf t.tgz a b c; tar tzf t.tgz | sort | paste -sd, | grep -qx a,b,c
                df . > /dev/null; stat -f . > /dev/null
                """, seconds: 120)
        }

        @Test("git init, commit, gc and clone", .timeLimit(.minutes(3)))
        func git() throws {
            let cluster = try TestCluster()
            try sh(
                """
                set -e; cd '\(cluster.mount)'
                export HOME='\(cluster.directory)' GIT_CONFIG_NOSYSTEM=1
                git config --global user.name t; git config --global user.email t@example.org
                git config --global safe.directory '*'
                mkdir repo; cd repo; git init -q
                cp -r /usr/include/asm-generic .
                git add .; git commit -qm one
                echo change >> asm-generic/types.h || { cp asm-generic/types.h /tmp/$$; echo change >> /tmp/$$; cp /tmp/$$ asm-generic/types.h; rm /tmp/$$; }
                git commit -qam two
                git gc -q; git fsck --strict; git status --porcelain | wc -l | grep -qx 0
                cd ..; git clone -q repo copy; diff -r repo/asm-generic copy/asm-generic
                """, seconds: 150)
        }

        @Test("Python: seeking, patching a header before close, reading back, mmap", .timeLimit(.minutes(2)))
        func python() throws {
            let cluster = try TestCluster()
            try sh("cd '\(cluster.mount)' && python3 '\(program("patterns.py"))'", seconds: 90)
        }

        @Test("a killed writer leaves nothing", .timeLimit(.minutes(2)))
        func killedWriter() throws {
            let cluster = try TestCluster()
            let writer = BackgroundShell(
                "exec python3 -c \"f = open('\(cluster.mount)/partial', 'wb', 0); f.write(b'x' * 9000000); "
                    + "open('\(cluster.directory)/written', 'w'); import time; time.sleep(60)\"")
            try waitUntil(seconds: 20, "the writer has written") {
                shell("test -e '\(cluster.directory)/written'").status == 0
            }
            writer.signal(9)
            _ = writer.wait(seconds: 10)
            try sh("sleep 0.5; ! [ -e '\(cluster.mount)/partial' ]")
            try cluster.remount()
            #expect(try sh("ls -A '\(cluster.mount)'").isEmpty)
        }
    }
}
