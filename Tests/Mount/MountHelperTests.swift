import CLinux
import Testing
import sterna_mount

/// What mount(8) says to its helper, and what becomes of it.
@Suite struct MountHelperTests {
    @Test func readsWhatMountSays() throws {
        let invocation = try MountInvocation(["a:1,b:2", "/mnt", "-sv", "-o", "ro,uid=5", "-o", "noexec", "-n", "-t", "fuse.sterna"])
        #expect(invocation.registry == "a:1,b:2" && invocation.directory == "/mnt")
        #expect(invocation.words == ["ro", "uid=5", "noexec"])
        #expect(invocation.isSloppy && invocation.isVerbose && !invocation.isFake)
        #expect(try MountInvocation(["-oro", "-f", "r:1", "/mnt"]).words == ["ro"])
        #expect(try MountInvocation(["-f", "r:1", "/mnt"]).isFake)
    }

    @Test(arguments: [[], ["r:1"], ["r:1", "/mnt", "/other"], ["r:1", "/mnt", "-o"], ["r:1", "/mnt", "-x"]])
    func refusesWhatMountDoesNotSay(_ arguments: [String]) {
        #expect(throws: MountInvocation.UsageError.self) { try MountInvocation(arguments) }
    }

    @Test func sortsOptions() throws {
        let words = try MountWords([
            "rw", "noexec", "_netdev", "_rnetdev", "acl", "user_xattr", "nofail", "noauto", "user",
            "x-systemd.automount", "X-mount.mkdir", "allow_other", "uid=5", "log_file=/tmp/log", "fsync=store",
            "allow_suid", "user=somebody", "user_id=0",
        ])
        #expect(!words.isRemount && words.logFile == "/tmp/log")
        #expect(words.kernel == ["rw", "noexec", "allow_suid"])
        #expect(words.arguments == ["--allow-other", "--uid=5", "--fsync=store"])
        #expect(try MountWords(["remount", "ro"]).isRemount)
    }

    @Test(arguments: ["registry=x:1", "ready_fd=3", "parent-pid=1", "=5", "-o", "--help", "help", "o=rw"])
    func optionsOfOthersAreRefused(_ word: String) {
        #expect(throws: MountInvocation.UsageError.self) { try MountWords([word]) }
    }

    @Test func laterOptionsWin() throws {
        let options = try #require(KernelOptions(argument: "ro,suid,dev,noexec,rw,nosuid"))
        #expect(!options.isReadOnly && !options.honoursSetuid && options.hasDevices && !options.hasPrograms)
        #expect(KernelOptions(argument: "ro,uid=5") == nil)
        #expect(!KernelOptions().honoursSetuid && !KernelOptions().hasDevices)
    }

    @Test func mapsOfNamespacesAreRead() {
        #expect(IdentityMap.ranges("         0          0 4294967295\n") == [0...UInt32.max - 1])
        #expect(IdentityMap.ranges("0 1000 1\n1 100000 65536\n") == [0...0, 1...65536])
        #expect(IdentityMap.ranges("4294967290 0 100\nx 0 1\n5 0 0\n") == [4_294_967_290...UInt32.max])
    }

    @Test func aRemountBeginsWithWhatIsThere() throws {
        let line = try #require(
            MountTable.Line("36 35 0:42 / /mnt rw,nosuid,noexec,relatime shared:1 - fuse.sterna a:1,b:2 ro,user_id=0"))
        let options = KernelOptions(of: line)
        #expect(options.source == "a:1,b:2" && !options.honoursSetuid && options.hasDevices && !options.hasPrograms)
    }

    @Test func aRemountChangesWhatItIsToldAndNothingElse() throws {
        let line = try #require(
            MountTable.Line("36 35 0:42 / /mnt rw,nosymfollow,noatime shared:1 - fuse.sterna a:1 rw,user_id=0"))
        var options = KernelOptions(of: line)
        _ = options.apply("atime")
        #expect(options.flags & UInt(LINUX_MOUNT_NO_SYMLINKS) != 0)
        // Without this flag the kernel keeps noatime.
        #expect(options.flags & UInt(LINUX_MOUNT_RELATIVE_ACCESS_TIMES) != 0)
        #expect(options.flags & UInt(LINUX_MOUNT_NO_ACCESS_TIMES) == 0)
        _ = options.apply("noatime")
        #expect(options.flags & UInt(LINUX_MOUNT_NO_ACCESS_TIMES) != 0)
    }
}
