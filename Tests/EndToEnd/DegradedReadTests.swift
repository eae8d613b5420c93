import Testing

extension EndToEnd {
    /// Disks that lost or damaged blocks.
    @Suite(.serialized) struct DegradedReadTests {
        @Test("with both parity's worth of disks emptied, everything still reads", .timeLimit(.minutes(4)))
        func missingBlocks() throws {
            let cluster = try TestCluster("--block-services 6 --policy rs:4,2")
            try Self.fill(cluster)
            // Two of six disks lose every block: P blocks of every span, data and parity alike.
            try sh("for disk in 1 4; do \(Self.blocks(cluster, "$disk")) -delete; done")
            try cluster.remount()
            try Self.check(cluster)
        }

        @Test(
            "rotten pages and cut-off blocks on two disks are noticed and repaired on the fly", .timeLimit(.minutes(4)))
        func damagedBlocks() throws {
            let cluster = try TestCluster("--block-services 6 --policy rs:4,2")
            try Self.fill(cluster)
            try sh(
                """
                \(Self.blocks(cluster, "0")) | while read -r file; do
                    printf 'rot' | dd of="$file" bs=1 seek=$((RANDOM % 4000)) conv=notrunc 2> /dev/null; done
                \(Self.blocks(cluster, "3")) | while read -r file; do truncate -s $((RANDOM % 4000)) "$file"; done
                """)
            try cluster.remount()
            try Self.check(cluster)
        }

        /// `find` for the block files of one disk, not those of its store of small blocks.
        static func blocks(_ cluster: TestCluster, _ disk: String) -> String {
            "find \"\(cluster.directory)/disks/\(disk)/with_crc\" -type f -size +3k"
        }

        static func fill(_ cluster: TestCluster) throws {
            for size in [5000, 100_000, 3_000_000, 40_000_000] {
                try sh(
                    "python3 '\(program("write-random.py"))' '\(cluster.mount)/f\(size)' \(size) \(size)", seconds: 60)
            }
        }

        static func check(_ cluster: TestCluster) throws {
            for size in [5000, 100_000, 3_000_000, 40_000_000] {
                try sh(
                    "python3 '\(program("check-random.py"))' '\(cluster.mount)/f\(size)' \(size) \(size) 40",
                    seconds: 90)
                try sh("[ $(wc -c < '\(cluster.mount)/f\(size)') = \(size) ]", seconds: 90)
            }
        }
    }
}
