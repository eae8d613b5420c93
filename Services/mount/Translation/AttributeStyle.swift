import CFUSE
import Filesystem
import Glibc
import Protocol

/// How attributes look to the kernel. Owner and permissions are the same for every file of a mount where they are not
/// stored.
package struct AttributeStyle: Sendable {
    package let owner: uid_t
    package let group: gid_t
    /// Permission bits of regular files, such as 0o644.
    package let fileMode: mode_t
    /// Permission bits of directories, such as 0o755.
    package let directoryMode: mode_t

    package init(owner: uid_t, group: gid_t, fileMode: mode_t, directoryMode: mode_t) {
        self.owner = owner
        self.group = group
        self.fileMode = fileMode
        self.directoryMode = directoryMode
    }

    /// What programs should read and write at once.
    private static let preferredBytes = 1 << 20

    package func stat(_ attributes: Attributes) -> stat {
        var result = Glibc.stat()
        result.st_ino = ino_t(attributes.node.kernelNumber)
        result.st_nlink = nlink_t(attributes.links)
        result.st_uid = attributes.permissions?.user ?? owner
        result.st_gid = attributes.permissions?.group ?? group
        result.st_mode = Self.kind(attributes) | permissionBits(attributes)
        result.st_rdev = attributes.special?.deviceNumber ?? 0
        result.st_size = off_t(clamping: attributes.size)
        result.st_blksize = blksize_t(Self.preferredBytes)
        let stored = attributes.size - min(attributes.holeBytes, attributes.size)
        result.st_blocks = blkcnt_t(clamping: stored / 512 + (stored % 512 == 0 ? 0 : 1))
        result.st_mtim = Self.timespec(attributes.modified)
        result.st_ctim = Self.timespec(attributes.changed)
        result.st_atim = Self.timespec(attributes.accessed)
        return result
    }

    func entry(_ entry: Entry) -> fuse_entry_param {
        var result = fuse_entry_param()
        result.ino = entry.node.kernelNumber
        result.attr = stat(entry.attributes)
        result.attr_timeout = entry.attributes.validSeconds
        result.entry_timeout = entry.validSeconds
        return result
    }

    private func permissionBits(_ attributes: Attributes) -> mode_t {
        if let stored = attributes.permissions { return mode_t(stored.mode) }
        return switch attributes.type {
        case .directory: directoryMode
        case .symlink: 0o777
        default: fileMode
        }
    }

    private static func kind(_ attributes: Attributes) -> mode_t {
        attributes.special?.kind ?? kind(attributes.type)
    }

    /// What a name in a listing leads to (d_type); 0: who wants to know has to ask.
    static func kind(_ listed: ListedEntry) -> mode_t {
        switch listed.nature {
        case .ordinary: kind(listed.type)
        case .special(let special): special.kind
        case .unknown: 0
        }
    }

    private static func kind(_ type: InodeType) -> mode_t {
        switch type {
        case .directory: S_IFDIR
        case .symlink: S_IFLNK
        default: S_IFREG
        }
    }

    private static func timespec(_ time: Timestamp) -> timespec {
        Glibc.timespec(
            tv_sec: Int(time.nanoseconds / 1_000_000_000), tv_nsec: Int(time.nanoseconds % 1_000_000_000))
    }
}
