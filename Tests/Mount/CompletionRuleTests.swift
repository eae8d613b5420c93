import Filesystem
import Testing
import sterna_mount

/// The cases of the table of what FLUSH may mean, against a fake procfs.
@Suite struct CompletionRuleTests {
    private let inode: UInt64 = 0x4000_0000_0000_1200
    private let processes = FakeProcesses()

    private func verdict(thread: Int32 = 42, names: [String] = ["f"], device: String? = nil) -> CloseVerdict {
        processes.rule(device).verdict(
            closing: thread, ofCreator: 42, inode: inode, names: Set(names.map { Array($0.utf8) }))
    }

    @Test func lastCloseOfTheCreatorCompletes() {
        processes.add(thread: 42, group: 42)
        processes.addDescriptorFolder(42)
        processes.add(descriptor: 0, of: 42, target: "/dev/null", inode: 5)
        processes.add(descriptor: 1, of: 42, target: "pipe:[1234]", inode: inode)
        processes.add(descriptor: 3, of: 42, target: "/mnt/other/f", inode: inode + 1)
        // It reads the file again, and can write nothing to it.
        processes.add(descriptor: 4, of: 42, target: "/mnt/f", inode: inode, flags: "0100000")
        #expect(verdict() == .complete)
    }

    @Test func anotherDescriptorOfTheCreatorKeepsItOpen() {
        processes.add(thread: 42, group: 42)
        processes.addDescriptorFolder(42)
        processes.add(descriptor: 1, of: 42, target: "/mnt/f", inode: inode)
        #expect(verdict() == .unfinished)
    }

    @Test func aRenamedFileIsKnownByEitherName() {
        processes.add(thread: 42, group: 42)
        processes.addDescriptorFolder(42)
        processes.add(descriptor: 1, of: 42, target: "/mnt/before", inode: inode)
        #expect(verdict(names: ["after", "before"]) == .unfinished)
        #expect(verdict(names: ["after"]) == .complete)
    }

    /// Another mount of the cluster has the file by the same number.
    @Test func aDescriptorOnAnotherMountDoesNotCount() {
        processes.add(thread: 42, group: 42)
        processes.addDescriptorFolder(42)
        processes.add(descriptor: 1, of: 42, target: "/other/f", inode: inode)
        // Descriptors are on mount 99, which the process may not see.
        for (mounts, expected) in [
            ("98 1 0:53 / /mnt rw - fuse a rw\n99 1 0:54 / /other rw - fuse a rw\n", CloseVerdict.complete),
            ("98 1 0:54 / /other rw - fuse a rw\n99 1 0:53 / /bound rw - fuse a rw\n", .unfinished),
            ("98 1 0:53 / /mnt rw - fuse a rw\n", .unfinished), ("99\n", .unfinished),
        ] {
            processes.add(mounts: mounts, of: 42)
            #expect(verdict(device: "0:53") == expected)
        }
        // Where our own is not known any will do.
        #expect(verdict() == .unfinished)
    }

    @Test func aPathTooLongToBeSeenMayBeIt() {
        processes.add(thread: 42, group: 42)
        processes.addDescriptorFolder(42)
        // As long as a symbolic link can be: the end cannot be told from a longer one only at the full buffer.
        let long = "/" + String(repeating: "d/", count: 2046) + "f"
        processes.add(descriptor: 1, of: 42, target: long, inode: inode)
        #expect(verdict() == .unfinished)
    }

    @Test func threadsOfTheCreatorCount() {
        processes.add(thread: 42, group: 42)
        processes.add(thread: 43, group: 42)
        processes.addDescriptorFolder(42)
        #expect(verdict(thread: 43) == .complete)
    }

    @Test func nothingIsReadInExec() {
        // Without stat and fd: reading them would give another verdict, and block in reality.
        processes.add(thread: 42, group: 42, commandLine: "")
        #expect(verdict() == .unfinished)
    }

    @Test func exitingIsNotClosing() {
        processes.add(thread: 42, group: 42, hasMemory: false, commandLine: "", exitCode: 0x100)
        processes.addDescriptorFolder(42)
        #expect(verdict() == .exiting)
    }

    @Test(arguments: [9, 11, 15, 0x80 | 6])
    func dyingBySignalAbandons(_ code: Int32) {
        processes.add(thread: 42, group: 42, hasMemory: false, commandLine: "", exitCode: code)
        #expect(verdict() == .killed)
    }

    @Test func ofAnHeirOnlyItsDeathIsOfInterest() {
        processes.add(thread: 41, group: 41)
        #expect(processes.rule.verdict(closingInherited: 41) == .unfinished)
        processes.add(thread: 41, group: 41, commandLine: "")
        #expect(processes.rule.verdict(closingInherited: 41) == .unfinished)
        processes.add(thread: 41, group: 41, hasMemory: false, commandLine: "", exitCode: 9)
        #expect(processes.rule.verdict(closingInherited: 41) == .killed)
        processes.add(thread: 41, group: 41, hasMemory: false, commandLine: "", exitCode: 0x100)
        #expect(processes.rule.verdict(closingInherited: 41) == .unfinished)
        #expect(processes.rule.verdict(closingInherited: 43) == .unfinished)
    }

    @Test func whatCannotBeReadDecidesNothing() {
        // A process that is gone, descriptors that may not be seen.
        #expect(verdict() == .unfinished)
        processes.add(thread: 42, group: 42)
        #expect(verdict() == .unfinished)
        processes.addDescriptorFolder(42)
        #expect(verdict() == .complete)
    }

    @Test func findsTheProcessOfAThread() {
        processes.add(thread: 43, group: 42)
        #expect(processes.rule.processes.group(ofThread: 43) == 42)
        #expect(processes.rule.processes.group(ofThread: 41) == nil)
    }
}
