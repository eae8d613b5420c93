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

        @Test(
            "sqlite: two writers, a write-ahead log; git pulls packs above 16 MiB, here and in a container",
            .timeLimit(.minutes(8)))
        func databases() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            let run = "bash '\(program("databases.sh"))'"
            try sh("\(run) '\(cluster.mount)/host' '\(cluster.directory)'", seconds: 200)
            try sh("\(Self.container) \(run) '\(cluster.mount)/container' '\(cluster.directory)'", seconds: 200)
            try compare(cluster, second)
            try sh(
                """
                set -e; export HOME='\(cluster.directory)'
                for place in host container; do
                    cd '\(second.path)'/$place
                    for mode in delete wal; do
                        sqlite3 "file:$mode.db?immutable=1" 'pragma integrity_check' | grep -qx ok
                        [ "$(sqlite3 "file:$mode.db?immutable=1" 'select count(*) from t')" = 60 ]
                    done
                    git -C one fsck --strict; git -C two fsck --strict
                done
                """, seconds: 100)
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
