import ArgumentParser
import CFUSE
import Client
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
        #expect(stat.st_ctim.tv_sec == stat.st_mtim.tv_sec && stat.st_rdev == 0)
        var huge = file
        huge.size = .max
        #expect(style.stat(huge).st_size == .max)
        let directory = Attributes(
            node: .root, type: .directory, size: 0, modified: .zero, accessed: .zero, validSeconds: 1)
        let shown = style.stat(directory)
        #expect(shown.st_ino == 1 && shown.st_mode == S_IFDIR | 0o755)
    }

    @Test func showsWhatIsStored() {
        var file = Attributes(
            node: NodeID(InodeID(rawValue: 5)), type: .file, size: 0, modified: .zero, accessed: .zero,
            changed: Timestamp(nanoseconds: 7_000_000_000),
            permissions: Permissions(mode: 0o4711, user: 3, group: 4), validSeconds: 1)
        #expect(style.stat(file).st_mode == S_IFREG | 0o4711)
        #expect(style.stat(file).st_uid == 3 && style.stat(file).st_gid == 4)
        #expect(style.stat(file).st_ctim.tv_sec == 7)
        (file.size, file.holeBytes) = (10_000, 8192)
        #expect(style.stat(file).st_size == 10_000 && style.stat(file).st_blocks == 4)
        file.special = .blockDevice(0x0801)
        #expect(style.stat(file).st_mode == S_IFBLK | 0o4711 && style.stat(file).st_rdev == 0x0801)
        for (kind, special) in [
            (Glibc.S_IFIFO, SpecialFile.fifo), (S_IFSOCK, .socket), (S_IFCHR, .characterDevice(9)),
            (S_IFBLK, .blockDevice(9)),
        ] {
            #expect(SpecialFile(mode: kind | 0o600, device: 9) == special)
        }
        #expect(SpecialFile(mode: S_IFREG | 0o600, device: 0) == nil)
        #expect(SpecialFile(mode: 0o600, device: 0) == nil)
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

    @Test func readsWhatSetattrWants() throws {
        var stat = Glibc.stat()
        stat.st_size = 7
        stat.st_mode = S_IFREG | 0o4600
        (stat.st_uid, stat.st_gid) = (3, 4)
        stat.st_mtim = timespec(tv_sec: 3, tv_nsec: 4)
        stat.st_atim = timespec(tv_sec: 5, tv_nsec: 0)
        let rights = try AttributeChange(stat, FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID)
        #expect(rights.size == nil && rights.modified == nil && rights.accessed == nil)
        #expect(rights.mode == 0o4600 && rights.user == 3 && rights.group == nil)
        let all = try AttributeChange(stat, FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME)
        let now = Timestamp(nanoseconds: 99)
        #expect(all.size == 7 && all.mode == nil && all.user == nil)
        #expect(all.modified?.timestamp(now) == Timestamp(nanoseconds: 3_000_000_004))
        #expect(all.accessed?.timestamp(now) == Timestamp(nanoseconds: 5_000_000_000))
        let touched = try AttributeChange(stat, FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)
        #expect(touched.modified?.timestamp(now) == now)
    }

    @Test func timesThatCannotBeKeptAreRefused() throws {
        func isRefused(_ seconds: Int, _ nanoseconds: Int) -> Bool {
            var stat = Glibc.stat()
            stat.st_mtim = timespec(tv_sec: seconds, tv_nsec: nanoseconds)
            do throws(FilesystemError) {
                _ = try AttributeChange(stat, FUSE_SET_ATTR_MTIME)
                return false
            } catch {
                return error.code == EINVAL
            }
        }
        // Before 1970, and from 11 April 2262 on.
        #expect(isRefused(-1, 0) && isRefused(.max, 0) && isRefused(9_223_372_037, 0))
        #expect(isRefused(9_223_372_036, 854_775_808) && !isRefused(9_223_372_036, 854_775_807))
        #expect(!isRefused(0, 0))
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
