import Foundation
import Testing

extension EndToEnd {
    /// Real programs of many kinds make and change files that are larger than a span, here and in a container.
    @Suite(.serialized) struct LargeFileProgramTests {
        private static let container = "unshare --pid --fork --mount --mount-proc --propagation private"

        @Test(
            "archives, images, media, HDF5, TIFF, linkers, databases, downloads: the same as beside the mount",
            .timeLimit(.minutes(10)))
        func programs() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            let (directory, mount) = (cluster.directory, cluster.mount)
            let run = "bash '\(program("large-files.sh"))'"
            try sh(
                """
                set -e; cd '\(directory)'; head -c 20000000 /dev/urandom > source
                \(run) "$PWD/beside" "$PWD/source"
                """, seconds: 150)
            try sh("\(run) '\(mount)/host' '\(directory)/source'", seconds: 250)
            try sh("\(Self.container) \(run) '\(mount)/container' '\(directory)/source'", seconds: 250)
            try compare(cluster, second)
            try sh(
                """
                for place in host container; do diff -r '\(directory)/beside/same' '\(mount)'/$place/same || exit; done
                """, seconds: 150)
        }

        @Test("sqlite: two writers, a write-ahead log; git pulls packs above 16 MiB", .timeLimit(.minutes(4)))
        func databases() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            try sh(
                """
                set -ex; cd '\(cluster.mount)'
                for mode in delete wal; do
                    sqlite3 $mode.db "pragma journal_mode=$mode; create table t (writer, n, data);"
                    for writer in 1 2; do
                        for n in $(seq 30); do
                            sqlite3 -cmd '.timeout 30000' $mode.db "insert into t values ($writer, $n, randomblob(300000));"
                        done &
                    done
                    wait
                    [ "$(sqlite3 $mode.db 'select count(*), count(distinct writer * 100 + n) from t')" = '60|60' ]
                    sqlite3 $mode.db 'pragma integrity_check' | grep -qx ok
                done
                export HOME='\(cluster.directory)' GIT_CONFIG_NOSYSTEM=1
                git config --global user.name t; git config --global user.email t@example.org
                git config --global safe.directory '*'
                git init -q one; git clone -q one two 2> /dev/null
                for n in 1 2; do
                    head -c 18000000 /dev/urandom > one/file$n; git -C one add .; git -C one commit -qm $n
                    git -C two pull -q origin "$(git -C one branch --show-current)"
                done
                git -C two gc -q; diff -r -x .git one two
                """, seconds: 200)
            try compare(cluster, second)
            try sh(
                """
                set -e; cd '\(second.path)'; export HOME='\(cluster.directory)'
                for mode in delete wal; do
                    sqlite3 "file:$mode.db?immutable=1" 'pragma integrity_check' | grep -qx ok
                    [ "$(sqlite3 "file:$mode.db?immutable=1" 'select count(*) from t')" = 60 ]
                done
                git -C one fsck --strict; git -C two fsck --strict
                """, seconds: 60)
        }

        @Test("a single file that is mounted under another name in a container", .timeLimit(.minutes(2)))
        func boundFile() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            try sh(
                """
                head -c 20000000 /dev/urandom > '\(cluster.directory)/source'
                touch '\(cluster.directory)/bound'; cp '\(cluster.directory)/source' '\(cluster.mount)/file'
                \(Self.container) bash '\(program("bound-file.sh"))' \
                    '\(cluster.mount)' '\(second.path)' '\(cluster.directory)/bound' '\(cluster.directory)/source'
                """, seconds: 60)
            try compare(cluster, second)
        }

        /// Every byte, as the mount has it, as another one finds it, and as the cluster has it.
        private func compare(_ cluster: TestCluster, _ second: SecondMount) throws {
            let same = "diff -r '\(cluster.mount)' '\(second.path)'"
            try sh("\(same) && echo 3 > /proc/sys/vm/drop_caches && \(same)", seconds: 150)
        }
    }
}
