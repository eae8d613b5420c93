import Foundation
import Testing

extension EndToEnd {
    /// Damage on disks is found, reported and repaired by `sterna-gc` without anybody reading the files.
    @Suite(.serialized) struct ScrubTests {
        private static let options = "--scrub-bytes-per-second-per-disk 0 --scrub-interval 1000000"

        @Test("a scrub reports exactly what was damaged, repairs it, and then finds nothing", .timeLimit(.minutes(5)))
        func repair() throws {
            let cluster = try Self.cluster()
            defer { Self.awaken(cluster) }
            try DegradedReadTests.fill(cluster)
            try Self.fillFiles(cluster, count: 15, bytes: 2_000_000)
            let damage = try Self.damage(cluster)
            #expect(damage.missing > 5 && damage.truncated > 5 && damage.corrupt > 10)

            let first = try GcInstance(cluster, "scrub-1", Self.options)
            try first.start()
            try first.awaitScrub(disks: 6)
            #expect(first.total("missing") == damage.missing, "\(first.log.suffix(2000))")
            #expect(first.total("truncated") == damage.truncated)
            #expect(first.total("corrupt") == damage.corrupt)
            #expect(first.total("repaired") == damage.missing + damage.truncated + damage.corrupt)
            #expect(first.total("unrepairable") == 0)
            try first.stop()

            let second = try GcInstance(cluster, "scrub-2", Self.options)
            try second.start()
            try second.awaitScrub(disks: 6)
            for column in ["missing", "truncated", "corrupt", "unreadable", "unrepairable", "unreachable"] {
                #expect(second.total(column) == 0, "\(column): \(second.log.suffix(2000))")
            }
            #expect(second.total("blocks") > 0)
            try second.stop()
            try cluster.remount()
            try DegradedReadTests.check(cluster)
            try sh("cd '\(cluster.mount)/files' && sha256sum --quiet -c ../sums")
        }

        @Test("a scrub that is killed goes on where it was", .timeLimit(.minutes(4))) func killed() throws {
            let cluster = try Self.cluster()
            defer { Self.awaken(cluster) }
            try Self.fillFiles(cluster, count: 20, bytes: 4_000_000)
            let all = try #require(
                Int(try sh("find '\(cluster.directory)'/disks/*/with_crc -type f -size +3k | wc -l")))
            let gc = try GcInstance(cluster, "scrub", "--scrub-interval 1000000")
            // About one block per second and disk. What is remembered is up to a second behind what is counted.
            try gc.start("--scrub-bytes-per-second-per-disk 1000000")
            // Before that the signal that asks for counters would end it.
            try waitUntil(seconds: 60, "it is ready") { gc.log.contains(" ready") }
            try waitUntil(seconds: 120, "some blocks are checked") { gc.counter("gc_scrub_checked_blocks_total") > 40 }
            gc.kill()
            // The table is written at the start; hardly anything is read at this rate.
            unlink(gc.data + "/findings")
            try gc.start("--scrub-bytes-per-second-per-disk 1")
            try waitUntil(seconds: 20, "there is a table") { gc.disks.count == 6 }
            let before = gc.total("blocks")
            gc.kill()
            #expect(before > 20 && before < all, "\(gc.log.suffix(2000))")
            try gc.start("--scrub-bytes-per-second-per-disk 0")
            try gc.awaitScrub(disks: 6)
            #expect(gc.total("blocks") >= all)
            #expect(gc.total("blocks") <= all + before / 2, "it did not begin anew, of \(all) after \(before)")
            try gc.stop()
        }

        // MARK: Damage

        private struct Damage {
            var missing = 0
            var truncated = 0
            var corrupt = 0
        }

        /// Six disks whose own collector is stopped, so that nobody else scrubs.
        private static func cluster() throws -> TestCluster {
            let cluster = try TestCluster("--block-services 6 --policy rs:4,2")
            kill(try #require(cluster.pid(of: "gc")), SIGSTOP)
            return cluster
        }

        /// `find` for the blocks of one disk that have files of their own.
        private static func blocks(_ cluster: TestCluster, _ disk: String) -> String {
            "find \"\(cluster.directory)/disks/\(disk)/with_crc\" -type f -size +3k"
        }

        private static func fillFiles(_ cluster: TestCluster, count: Int, bytes: Int) throws {
            try sh(
                """
                cd '\(cluster.mount)' && mkdir files && cd files
                for number in $(seq \(count)); do head -c \(bytes) /dev/urandom > f$number || exit; done
                sha256sum * > ../sums
                """)
        }

        private static func awaken(_ cluster: TestCluster) {
            if let pid = cluster.pid(of: "gc") { kill(pid, SIGCONT) }
        }

        /// Damages every block of two disks, P blocks of every span: on one they are deleted, cut off or changed; on
        /// the other pairs of the same size change places.
        private static func damage(_ cluster: TestCluster) throws -> Damage {
            let counts = try sh(
                """
                set -e
                missing=0 truncated=0 corrupt=0 number=0
                for file in $(\(blocks(cluster, "1")) | sort); do
                    case $((number++ % 3)) in
                        0) rm "$file"; missing=$((missing + 1)) ;;
                        1) truncate -s $(($(stat -c %s "$file") / 2)) "$file"; truncated=$((truncated + 1)) ;;
                        2) printf 'rot' | dd of="$file" bs=1 seek=1000 conv=notrunc 2> /dev/null
                           corrupt=$((corrupt + 1)) ;;
                    esac
                done
                other=
                blocks=$(\(blocks(cluster, "4")) -printf '%s %p\\n' | sort -n | cut -d' ' -f2)
                for file in $blocks; do
                    if [ -n "$other" ] && [ $(stat -c %s "$file") = $(stat -c %s "$other") ]; then
                        mv "$file" "$file.x"; mv "$other" "$file"; mv "$file.x" "$other"
                        corrupt=$((corrupt + 2)) other=
                    else
                        other=$file
                    fi
                done
                echo $missing $truncated $corrupt
                """)
            let numbers = counts.split(separator: " ").compactMap { Int($0) }
            try #require(numbers.count == 3, "\(counts)")
            return Damage(missing: numbers[0], truncated: numbers[1], corrupt: numbers[2])
        }
    }
}
