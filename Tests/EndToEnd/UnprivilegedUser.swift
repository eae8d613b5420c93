import Testing

/// Somebody who is not root, in a mount namespace in which he may use /dev/fuse, as everybody may on usual machines.
struct UnprivilegedUser {
    static let id = 65534
    private static let command = "setpriv --reuid \(id) --regid \(id) --clear-groups --inh-caps=-all"
    private let directory: String

    init(in directory: String) {
        self.directory = directory
    }

    /// A command that runs others as him.
    var inOwnNamespace: String {
        "unshare --mount --propagation private sh -ec '[ -e \"$0/fuse\" ] || mknod -m 666 \"$0/fuse\" c 10 229; "
            + "mount --bind \"$0/fuse\" /dev/fuse; exec \(Self.command) \"$@\"' '\(directory)'"
    }

    /// A command that runs others as him, where a process whose number is in a file sees what he sees.
    func inNamespaceOf(_ pidFile: String) -> String {
        "nsenter --mount -t $(cat '\(directory)/\(pidFile)') \(Self.command)"
    }

    /// Directories, or files if their names have an ending.
    func own(_ names: String...) throws {
        for name in names {
            let path = "\(directory)/\(name)"
            try sh("\(name.contains(".") ? "touch" : "mkdir -p") '\(path)' && chown \(Self.id):\(Self.id) '\(path)'")
        }
    }
}
