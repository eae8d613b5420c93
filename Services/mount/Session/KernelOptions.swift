import CLinux
import Glibc

/// How the kernel shall treat the mount: what mount(2) takes, and what FUSE takes besides.
package struct KernelOptions: Hashable, Sendable {
    /// What lists of mounts show as the device.
    package var source = "sterna"
    package var isReadOnly = false
    /// Whether set-user-ID bits and file capabilities have effect.
    package var honoursSetuid = false
    package var hasDevices = false
    package var hasPrograms = true
    /// Whether paths may lead over symbolic links of the mount.
    package var followsLinks = true
    /// Whether the kernel asks for access times to be set. What is set goes by `AccessTimes` in any case.
    package var hasAccessTimes = true
    package var isSynchronous = false
    /// Whether others than the user who mounts may use it.
    package var allowsOthers = false

    package init() {}

    /// `fuse.sterna` in lists of mounts.
    static let subtype = "sterna"

    /// Flags of mount(2).
    package var flags: UInt {
        var flags: UInt = 0
        if isReadOnly { flags |= LINUX_MOUNT_READ_ONLY }
        if !honoursSetuid { flags |= LINUX_MOUNT_NO_SETUID }
        if !hasDevices { flags |= LINUX_MOUNT_NO_DEVICES }
        if !hasPrograms { flags |= LINUX_MOUNT_NO_EXECUTION }
        if !followsLinks { flags |= LINUX_MOUNT_NO_SYMLINKS }
        // Of access times a remount leaves what there is unless it is told.
        flags |= hasAccessTimes ? LINUX_MOUNT_RELATIVE_ACCESS_TIMES : LINUX_MOUNT_NO_ACCESS_TIMES
        if isSynchronous { flags |= LINUX_MOUNT_SYNCHRONOUS }
        return flags
    }

    /// The last argument of mount(2), for a mount whose requests come through `device`.
    func data(device: Int32) -> String {
        ["fd=\(device)", "rootmode=40000", "user_id=\(getuid())", "group_id=\(getgid())", "default_permissions"]
            .joined(separator: ",") + (allowsOthers ? ",allow_other" : "")
    }

    /// For `fusermount3 -o`, which has nosuid and nodev for itself.
    var helperOptions: String {
        // A comma would begin another option there.
        var words = ["fsname=" + source.replacing(",", with: "\\,"), "subtype=\(Self.subtype)", "default_permissions"]
        if isReadOnly { words.append("ro") }
        if !hasPrograms { words.append("noexec") }
        if !followsLinks { words.append("nosymfollow") }
        if !hasAccessTimes { words.append("noatime") }
        if isSynchronous { words.append("sync") }
        if allowsOthers { words.append("allow_other") }
        return words.joined(separator: ",")
    }
}
