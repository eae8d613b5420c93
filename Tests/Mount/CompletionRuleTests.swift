import Testing
import sterna_mount

/// The cases of the table of what FLUSH may mean, against a fake procfs.
@Suite struct CompletionRuleTests {
    private let inode: UInt64 = 0x4000_0000_0000_1200
    private let creator = ProcessIdentity(group: 42, startTicks: 777)
    private let processes = FakeProcesses()

    private func verdict(thread: Int32 = 42) -> CompletionRule.Verdict {
        processes.rule.verdict(closing: thread, creator: creator, inode: inode)
    }

    @Test func lastCloseOfTheCreatorCompletes() {
        processes.add(thread: 42, group: 42)
        processes.addDescriptorFolder(42)
        processes.add(descriptor: 0, of: 42, target: "/dev/null", inode: 5)
        processes.add(descriptor: 1, of: 42, target: "pipe:[1234]", inode: inode)
        processes.add(descriptor: 3, of: 42, target: "/mnt/other", inode: inode + 1)
        #expect(verdict() == .complete)
    }

    @Test func anotherDescriptorOfTheCreatorKeepsItOpen() {
        processes.add(thread: 42, group: 42)
        processes.addDescriptorFolder(42)
        processes.add(descriptor: 1, of: 42, target: "/mnt/f", inode: inode)
        #expect(verdict() == .unfinished)
    }

    @Test func threadsOfTheCreatorCount() {
        processes.add(thread: 42, group: 42)
        processes.add(thread: 43, group: 42)
        processes.addDescriptorFolder(42)
        #expect(verdict(thread: 43) == .complete)
    }

    @Test func otherProcessesDoNotCount() {
        processes.add(thread: 41, group: 41)
        processes.addDescriptorFolder(41)
        #expect(verdict(thread: 41) == .unfinished)
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

    @Test func aLaterProcessWithTheSameNumberDoesNotCount() {
        processes.add(thread: 42, group: 42, start: 778)
        processes.addDescriptorFolder(42)
        #expect(verdict() == .unfinished)
    }

    @Test func whatCannotBeReadDecidesNothing() {
        // Another pid namespace, a process that is gone, descriptors that may not be seen, an unknown creator.
        #expect(verdict(thread: 0) == .unfinished)
        #expect(verdict() == .unfinished)
        processes.add(thread: 42, group: 42)
        #expect(verdict() == .unfinished)
        processes.addDescriptorFolder(42)
        #expect(processes.rule.verdict(closing: 42, creator: nil, inode: inode) == .unfinished)
        #expect(verdict() == .complete)
    }

    @Test func knowsCreators() {
        processes.add(thread: 42, group: 42)
        processes.add(thread: 43, group: 42, start: 900)
        #expect(processes.rule.creator(42) == creator)
        #expect(processes.rule.creator(43) == creator)
        #expect(processes.rule.creator(41) == nil)
        #expect(processes.rule.creator(0) == nil)
    }

    @Test func knowsWhoStillHoldsAFile() {
        processes.add(thread: 42, group: 42)
        processes.addDescriptorFolder(42)
        #expect(!processes.rule.isHeld(by: creator, inode: inode))
        processes.add(descriptor: 7, of: 42, target: "/mnt/f", inode: inode)
        #expect(processes.rule.isHeld(by: creator, inode: inode))
        #expect(!processes.rule.isHeld(by: ProcessIdentity(group: 42, startTicks: 1), inode: inode))
        #expect(!processes.rule.isHeld(by: nil, inode: inode))
    }
}
