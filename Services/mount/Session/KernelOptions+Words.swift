import ArgumentParser

extension KernelOptions {
    /// Whether mount(8)'s option is for the kernel.
    package static func knows(_ word: String) -> Bool {
        var options = KernelOptions()
        return options.apply(word)
    }

    /// One of mount(8)'s options. False when it is none for the kernel. `suid` and `dev` mount(8) takes for usual and
    /// does not pass on to helpers; so they have names of their own as well.
    package mutating func apply(_ word: String) -> Bool {
        switch word {
        case "ro": isReadOnly = true
        case "rw": isReadOnly = false
        case "suid", "allow_suid": honoursSetuid = true
        case "nosuid": honoursSetuid = false
        case "dev", "allow_dev": hasDevices = true
        case "nodev": hasDevices = false
        case "exec": hasPrograms = true
        case "noexec": hasPrograms = false
        case "symfollow": followsLinks = true
        case "nosymfollow": followsLinks = false
        case "atime": hasAccessTimes = true
        case "noatime": hasAccessTimes = false
        case "sync": isSynchronous = true
        case "async": isSynchronous = false
        default: return false
        }
        return true
    }

    /// Those of a mount that is there.
    package init(of line: MountTable.Line) {
        self.init()
        source = line.source
        // A list of mounts names only what is not usual.
        (honoursSetuid, hasDevices) = (true, true)
        for word in line.options { _ = apply(word) }
    }
}

extension KernelOptions: ExpressibleByArgument {
    package init?(argument: String) {
        self.init()
        for word in argument.split(separator: ",") where !apply(String(word)) { return nil }
    }

    package var defaultValueDescription: String { "rw,nosuid,nodev" }
}
