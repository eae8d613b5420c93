import Testing

extension EndToEnd {
    /// A network that carries nothing larger than an Ethernet frame: the kernel gives fragments no memory.
    @Suite(.serialized) struct FragmentTests {
        private static let network = """
            ip link set lo mtu 1500 && ip link set lo up && cd /proc/sys/net/ipv4 \
            && echo 0 > ipfrag_low_thresh && echo 0 > ipfrag_high_thresh && cd /
            """

        @Test("a cluster works where fragments are dropped", .timeLimit(.minutes(3)))
        func dropped() throws {
            try sh("unshare --net sh -c '\(Self.network) && python3 \(program("fragments.py"))'", seconds: 30)
            let cluster = try TestCluster("--block-services 6 --policy rs:4,2", network: Self.network)
            try sh(
                """
                cd '\(cluster.mount)' && mkdir d && for i in $(seq 400); do : > "d/a-name-of-some-length-$i"; done \
                && head -c 40000000 /dev/urandom > f && sha256sum f > sum
                """, seconds: 90)
            try cluster.remount()
            try sh("cd '\(cluster.mount)' && [ $(ls d | wc -l) = 400 ] && sha256sum -c sum", seconds: 60)
        }
    }
}
