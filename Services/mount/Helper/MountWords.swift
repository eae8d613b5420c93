/// The options of mount(8) and fstab, sorted by whom they are for.
package struct MountWords: Hashable, Sendable {
    /// Change what is mounted already.
    package var isRemount = false
    /// For the kernel, in the order of mention: later ones win.
    package var kernel: [String] = []
    /// `sterna-mount`'s own, as it takes them.
    package var arguments: [String] = []
    /// Where the daemon's log goes.
    package var logFile: String?

    /// What says who mounts, when, and in what order, which is over when a helper is called; and what is so here anyway.
    private static let settled: Set<String> = [
        "defaults", "auto", "noauto", "fail", "nofail", "user", "nouser", "users", "nousers", "owner", "noowner",
        "group", "nogroup", "_netdev", "dirsync", "relatime", "norelatime", "strictatime", "nostrictatime", "diratime",
        "nodiratime", "lazytime", "nolazytime", "iversion", "noiversion", "mand", "nomand", "silent", "loud",
        "default_permissions", "acl", "user_xattr", "_rnetdev",
    ]

    /// What lists of mounts show, and mount(8) repeats at a remount.
    private static let shown: Set<String> = ["user", "user_id", "group_id", "rootmode", "fd", "max_read", "comment"]

    /// What the helper itself decides.
    private static let reserved: Set<String> = [
        "registry", "ready-fd", "parent-pid", "log-file", "quiet-once-ready", "o", "help", "version",
    ]

    package init(_ words: [String]) throws(MountInvocation.UsageError) {
        for word in words where !Self.settled.contains(word) && !word.lowercased().hasPrefix("x-") {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0].replacing("_", with: "-")
            if word == "remount" {
                isRemount = true
            } else if KernelOptions.knows(word) {
                kernel.append(word)
            } else if Self.shown.contains(parts[0]), parts.count == 2 {
                continue
            } else if name == "log-file", parts.count == 2 {
                logFile = parts[1]
            } else if name.isEmpty || name.hasPrefix("-") || Self.reserved.contains(name) {
                throw MountInvocation.UsageError(description: "'\(word)' is no option of a mount")
            } else {
                arguments.append("--" + name + (parts.count == 2 ? "=" + parts[1] : ""))
            }
        }
    }
}
