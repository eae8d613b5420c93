import Testing

extension EndToEnd {
    @Suite(.serialized) struct LargeFileTests {
        @Test("1 GiB written, read back by SHA-256, and read in parts", .timeLimit(.minutes(10)))
        func gibibyte() throws {
            let cluster = try TestCluster()
            let file = cluster.mount + "/large"
            let written = try sh(
                "python3 '\(program("write-random.py"))' '\(file)' $((1 << 30)) 7", seconds: 240)
            try cluster.remount()
            let read = try sh("sha256sum < '\(file)' | cut -d' ' -f1", seconds: 240)
            #expect(read == written)
            // A page from the middle is there without reading the file from its start.
            try sh("python3 '\(program("check-random.py"))' '\(file)' $((1 << 30)) 7 200", seconds: 120)
        }

        @Test("sizes around every boundary come back", .timeLimit(.minutes(5)))
        func boundaries() throws {
            let cluster = try TestCluster()
            try sh(
                """
                set -e
                for size in 0 1 254 255 256 257 4095 4096 4097 65535 65536 65537 1048575 1048576 1048577 \
                            4194303 4194304 4194305 16777215 16777216 16777217 33554432 50000001; do
                    python3 '\(program("write-random.py"))' '\(cluster.mount)'/f$size $size $size > /dev/null
                done
                """, seconds: 200)
            try cluster.remount()
            try sh(
                """
                set -e
                for file in '\(cluster.mount)'/f*; do
                    size=${file##*/f}
                    [ $(stat -c %s $file) = $size ]
                    python3 '\(program("check-random.py"))' $file $size $size 20
                done
                """, seconds: 200)
        }
    }
}

/// Path of a helper program of these tests.
func program(_ name: String) -> String {
    let here = #filePath
    return String(here[..<here.lastIndex(of: "/")!]) + "/Programs/" + name
}
