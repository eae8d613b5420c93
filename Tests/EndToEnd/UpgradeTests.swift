import Foundation
import Testing

extension EndToEnd {
    /// Data of earlier versions, as this one finds it.
    @Suite struct UpgradeTests {
        private static let archive = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/cluster-without-attributes.tar.gz").path

        @Test(
            "inodes from before there were attributes show the defaults, and take attributes", .timeLimit(.minutes(2)))
        func withoutAttributes() throws {
            // The port that the registry had may be somebody else's here.
            let port = try sh(
                "python3 -c 'import socket; s = socket.create_server((\"\", 0)); print(s.getsockname()[1])'")
            let cluster = try TestCluster("--registry-port \(port)", archive: Self.archive)
            let shown = "stat -c '%n %i %a %u %g %s' * dir/* dir/sub/*"
            let before = try sh("cd '\(cluster.mount)'; \(shown)")
            #expect(
                before == """
                    dir 2305843009213693953 755 0 0 0
                    empty 4611686018427388160 644 0 0 0
                    link 6917529027641082112 777 0 0 9
                    replaced 4611686018427388928 644 0 0 4
                    script 4611686018427388416 644 0 0 19
                    dir/large 4611686018427388417 644 0 0 100000
                    dir/sub 2305843009213693954 755 0 0 0
                    dir/sub/moved 4611686018427388161 644 0 0 5
                    """)
            try sh(
                """
                set -e; cd '\(cluster.mount)'
                [ "$(stat -c %Y dir/large)" = 1234567890 ]; [ "$(readlink link)" = dir/large ]
                [ -z "$(getfattr -R -m - . 2>&1)" ]
                [ "$(tr -d a < dir/large | wc -c)" = 0 ]; [ "$(cat dir/sub/moved replaced empty)" = $'text\\ntwo' ]
                [ "$(cat .sterna/replaced@*)" = one ]; [ "$(cat .sterna/removed@*)" = gone ]
                chmod 750 script; ./script; chown 5:6 dir/large; setfattr -n user.a -v b dir; setfacl -m u:7:r empty
                echo more >> dir/sub/moved; echo three > replaced; mv dir/large .
                """)
            try cluster.remount()
            let after = try sh("cd '\(cluster.mount)'; stat -c '%n %i %a %u %g %s' script large dir/sub/moved replaced")
            #expect(
                after == """
                    script 4611686018427388416 750 0 0 19
                    large 4611686018427388417 644 5 6 100000
                    dir/sub/moved 4611686018427388161 644 0 0 10
                    replaced 4611686018427388928 644 0 0 6
                    """)
            try sh(
                """
                set -e; cd '\(cluster.mount)'
                [ "$(getfattr --only-values -n user.a dir)" = b ]; getfacl -pn empty | grep -q ^user:7:r
                [ "$(cat dir/sub/moved)" = $'text\\nmore' ]; [ "$(tr -d a < large | wc -c)" = 0 ]
                """)
            cluster.stop()
            let check = shell("'\(TestCluster.binaries)/sterna' fsck '\(cluster.directory)'", seconds: 60)
            #expect(check.status == 0, "\(check.output)")
        }
    }
}
