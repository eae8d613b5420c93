import Glibc
import TestSupport
import Testing
import sterna

/// The directory of `sterna up` on a disk without power.
@Suite(.timeLimit(.minutes(1))) struct ClusterPathsTests {
    @Test("a new cluster's directories are there") func newCluster() throws {
        let mount = try VolatileMount()
        let path = mount.path + "/clusters/one"
        _ = try ClusterPaths(path)
        try mount.cutPower()
        for place in ["log", "run", "disks"] { #expect(access("\(path)/\(place)", F_OK) == 0) }
    }
}
