import CLinux
import EventLoop
import Glibc

/// The descriptor through which the kernel and whoever serves a mount talk.
enum FuseDevice {
    /// Mounts at `path`: by mount(2) where that is allowed, else by libfuse's helper, which asks `/etc/fuse.conf`.
    /// - Returns: the descriptor. The mount is there until it is unmounted; when the descriptor goes, it is dead.
    static func mount(at path: String, _ options: KernelOptions) throws(SystemError) -> Int32 {
        let device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        guard device >= 0 else {
            guard errno == EACCES || errno == EPERM else { throw .last("open /dev/fuse") }
            return try mountByHelper(at: path, options)
        }
        let code = linux_mount(
            options.source, path, "fuse.\(KernelOptions.subtype)", options.flags, options.data(device: device))
        guard code != 0 else { return device }
        close(device)
        guard code == -EPERM else { throw SystemError("mount at \(path)", code: code) }
        return try mountByHelper(at: path, options)
    }

    /// It opens the device, mounts, passes the descriptor through a socket and ends. What is wrong it says itself on
    /// standard error.
    private static func mountByHelper(at path: String, _ options: KernelOptions) throws(SystemError) -> Int32 {
        guard !options.honoursSetuid, !options.hasDevices else {
            throw SystemError("mount at \(path) with suid or dev", code: EPERM)
        }
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw .last("make a socket for fusermount3")
        }
        defer { close(ends[0]) }
        let started = Result { () throws(SystemError) in
            try startHelper(["-o", options.helperOptions, "--", path], socket: ends[1])
        }
        // With only the helper's copy left its end is the end of what comes.
        close(ends[1])
        let helper = try started.get()
        let device = linux_receive_descriptor(ends[0])
        var status: Int32 = 0
        while waitpid(helper, &status, 0) < 0, errno == EINTR {}
        guard device >= 0 else { throw SystemError("mount at \(path) by fusermount3", code: EPERM) }
        return device
    }

    private static func startHelper(_ arguments: [String], socket: Int32) throws(SystemError) -> pid_t {
        /// Its number for the helper, which gets nothing else of ours.
        let place: Int32 = 3
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, socket, place)
        var words: [UnsafeMutablePointer<CChar>?] = (["fusermount3"] + arguments).map { strdup($0) } + [nil]
        var environment = environmentWords().map { strdup($0) } + [strdup("_FUSE_COMMFD=\(place)"), nil]
        defer { for word in words + environment { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, "fusermount3", &actions, nil, &words, &environment)
        guard code == 0 else { throw SystemError("start fusermount3", code: code) }
        return pid
    }

    private static func environmentWords() -> [String] {
        var (words, next) = ([String](), environ)
        while let word = next.pointee {
            let text = String(cString: word)
            // One that we inherited would come first.
            if !text.hasPrefix("_FUSE_COMMFD=") { words.append(text) }
            next += 1
        }
        return words
    }
}
