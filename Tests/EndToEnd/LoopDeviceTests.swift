import Testing

extension EndToEnd {
    /// Block devices in files of a mount, where the programs are threads of the kernel. They need root and loop devices.
    @Suite(.serialized) struct LoopDeviceTests {
        /// Who else makes a mount namespace meanwhile shall not keep the device busy; and it ends with the script.
        private static let namespace = "unshare --mount --propagation private"

        @Test("an ext4 on a read-write loop device, of a mount with little memory", .timeLimit(.minutes(3)))
        func filesystem() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster, "--memory 64")
            let (directory, image) = (cluster.directory, "\(second.path)/image")
            defer { remove(second, directory) }
            try sh("head -c 25M /dev/urandom > '\(directory)/source'")
            try sh(
                """
                exec \(Self.namespace) bash '\(program("loop-device.sh"))' \
                    '\(image)' '\(directory)/loop' '\(directory)/source' '\(directory)/copy'
                """, seconds: 100)
            try sh(
                """
                set -ex; cd '\(cluster.mount)'; cmp image '\(image)'; e2fsck -fn image
                debugfs -R 'cat data' image | cmp - '\(directory)/copy'
                debugfs -R 'dump small.db \(directory)/small.db' image
                [ "$(sqlite3 '\(directory)/small.db' 'select sum(n) from t')" = 15 ]
                [ $(stat -c %s '\(directory)/copy') = 104857600 ]; cd '\(directory)'
                for part in 0 2 3; do cmp -n 15M copy source $((part * 25 << 20)); done
                """, seconds: 60)
        }

        @Test("when the mount dies its loop device fails, and can be taken away", .timeLimit(.minutes(2)))
        func deadMount() throws {
            let cluster = try TestCluster()
            let second = try SecondMount(of: cluster)
            defer { remove(second, cluster.directory) }
            try sh(
                """
                exec \(Self.namespace) bash '\(program("dead-loop-device.sh"))' \
                    '\(second.path)/image' '\(cluster.directory)/loop' $(cat '\(cluster.directory)/second.pid')
                """, seconds: 60)
            // What was synced is on the cluster, as after a power failure: its journal has it.
            try sh(
                """
                cp '\(cluster.mount)/image' '\(cluster.directory)/image'; cd '\(cluster.directory)'
                e2fsck -fy image; debugfs -R 'cat before' image | grep -qx before
                """)
        }

        /// Takes away what a failure has left. The mount goes first: what hangs on it fails then, instead of waiting.
        private func remove(_ mount: SecondMount, _ directory: String) {
            mount.kill()
            _ = shell(
                """
                umount -l '\(mount.path)'
                losetup --noheadings --list --output NAME,BACK-FILE | grep -F ' \(directory)/' |
                    while read -r device file; do losetup -d $device; done
                """, seconds: 30)
        }
    }
}
