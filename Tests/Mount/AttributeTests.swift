import ArgumentParser
import CFUSE
import Filesystem
import Glibc
import Protocol
import Testing
import sterna_mount

@Suite struct AttributeTests {
    private let style = AttributeStyle(owner: 10, group: 20, fileMode: 0o644, directoryMode: 0o755)

    @Test func showsFilesAndDirectories() {
        let file = Attributes(
            node: NodeID(InodeID(rawValue: 5)), type: .file, size: 513,
            modified: Timestamp(nanoseconds: 1_500_000_000_123_456_789),
            accessed: .zero, validSeconds: 1)
        let stat = style.stat(file)
        #expect(stat.st_ino == 5 && stat.st_mode == S_IFREG | 0o644)
        #expect(stat.st_blocks == 2)
        #expect(stat.st_size == 513)
        #expect(stat.st_mtim.tv_sec == 1_500_000_000 && stat.st_mtim.tv_nsec == 123_456_789)
        #expect(stat.st_uid == 10 && stat.st_gid == 20 && stat.st_nlink == 1)
        var huge = file
        huge.size = .max
        #expect(style.stat(huge).st_size == .max)
        let directory = Attributes(
            node: .root, type: .directory, size: 0, modified: .zero, accessed: .zero, validSeconds: 1)
        let shown = style.stat(directory)
        #expect(shown.st_ino == 1 && shown.st_mode == S_IFDIR | 0o755)
    }

    @Test func theRootIsOne() {
        #expect(NodeID.root.kernelNumber == 1)
        #expect(NodeID(kernel: 1) == .root)
        let file = NodeID(kernel: 0x4000_0000_0000_0105)
        #expect(file.inode.rawValue == 0x4000_0000_0000_0105 && file.kernelNumber == file.inode.rawValue)
    }

    @Test func openFlagsBecomeModes() {
        let appending = OpenMode(flags: O_WRONLY | O_APPEND | O_EXCL)
        #expect(!appending.reads && appending.writes && appending.appends && appending.isExclusive)
        #expect(!appending.truncates && !appending.leavesAccessTime)
        // A shared mapping of it could be written to.
        let both = OpenMode(flags: O_RDWR | O_TRUNC)
        #expect(both.reads && both.writes && both.truncates)
        let reading = OpenMode(flags: O_RDONLY | 0o1000000)
        #expect(reading.reads && !reading.writes && reading.leavesAccessTime)
    }

    @Test func readsWhatSetattrWants() {
        var stat = Glibc.stat()
        stat.st_size = 7
        stat.st_mode = 0o600
        stat.st_mtim = timespec(tv_sec: 3, tv_nsec: 4)
        stat.st_atim = timespec(tv_sec: -5, tv_nsec: 0)
        let nothing = AttributeChange(stat, FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID)
        #expect(nothing.size == nil && nothing.modified == nil && nothing.accessed == nil)
        let all = AttributeChange(stat, FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME)
        let now = Timestamp(nanoseconds: 99)
        #expect(all.size == 7)
        #expect(all.modified?.timestamp(now) == Timestamp(nanoseconds: 3_000_000_004))
        // Before 1970.
        #expect(all.accessed?.timestamp(now) == .zero)
        let touched = AttributeChange(stat, FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)
        #expect(touched.modified?.timestamp(now) == now)
        stat.st_mtim = timespec(tv_sec: .max, tv_nsec: 0)
        let late = AttributeChange(stat, FUSE_SET_ATTR_MTIME)
        #expect((late.modified?.timestamp(now).nanoseconds ?? 0) == UInt64(1) << 63 - 1)
    }

    @Test func masksAreOctal() throws {
        #expect(try MountOptions.parse([]).style.fileMode == 0o755)
        #expect(try MountOptions.parse(["--fmask", "133"]).style.fileMode == 0o644)
        #expect(try MountOptions.parse([]).style.directoryMode == 0o755)
        let own = try MountOptions.parse(["--umask", "077", "--fmask", "0022", "--uid", "7"])
        #expect(own.style.fileMode == 0o755 && own.style.directoryMode == 0o700 && own.style.owner == 7)
        #expect(throws: (any Error).self) { try MountOptions.parse(["--umask", "0888"]) }
        #expect(throws: (any Error).self) { try MountOptions.parse(["--umask", "7777"]) }
        #expect(throws: (any Error).self) { try MountOptions.parse(["--name-cache-seconds", "-1"]) }
    }
}
