import Client
import Glibc
import Protocol

extension FuseReply {
    /// Block size in which statfs counts.
    private static let blockBytes: UInt64 = 4096

    /// Totals of the cluster as statvfs(3) tells them. There is no limit on the number of files, which programs read as
    /// zero.
    static func statistics(_ info: InfoResponse) -> statvfs {
        var result = statvfs()
        result.f_bsize = UInt(blockBytes)
        result.f_frsize = UInt(blockBytes)
        result.f_blocks = fsblkcnt_t(info.capacity / blockBytes)
        result.f_bfree = fsblkcnt_t(min(info.available, info.capacity) / blockBytes)
        result.f_bavail = result.f_bfree
        result.f_namemax = 255
        return result
    }
}
