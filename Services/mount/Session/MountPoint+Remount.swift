import CLinux
import EventLoop
import Glibc

extension MountPoint {
    /// Changes what programs may do on a mount that is there, by options of mount(8); what is not mentioned stays. Needs
    /// root. EBUSY: read-only, while somebody has a file open to write.
    static func remount(_ path: String, _ words: [String]) throws(SystemError) {
        guard let place = realpathOfParent(path), let line = MountTable.read()?.line(at: place),
            line.type == "fuse.\(KernelOptions.subtype)"
        else { throw SystemError("find a mount of a cluster at \(path)", code: EINVAL) }
        var options = KernelOptions(of: line)
        for word in words { _ = options.apply(word) }
        let code = linux_mount(options.source, place, line.type, options.flags | UInt(LINUX_MOUNT_REMOUNT), "")
        guard code == 0 else { throw SystemError("mount \(path) in another way", code: code) }
    }
}
