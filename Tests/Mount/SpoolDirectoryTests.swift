import EventLoop
import Glibc
import TestSupport
import Testing
import sterna_mount

@Suite struct SpoolDirectoryTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.path }

    init() throws {
        directory = try TemporaryDirectory("spool")
    }

    @Test func isAWritableDirectoryByItsRealPath() throws {
        let place = path + "/spool"
        #expect(mkdir(place, 0o700) == 0 && mkdir(path + "/mount", 0o700) == 0)
        #expect(symlink(place, path + "/link") == 0)
        #expect(try SpoolDirectory.choose(path + "/link", mountpoint: path + "/mount").hasSuffix("/spool"))
    }

    @Test func isNotBelowTheMount() throws {
        #expect(mkdir(path + "/mount", 0o700) == 0 && mkdir(path + "/mount/spool", 0o700) == 0)
        #expect(symlink(path + "/mount/spool", path + "/link") == 0)
        for place in ["/mount", "/mount/spool", "/link"] {
            #expect(throws: SystemError.self) {
                try SpoolDirectory.choose(path + place, mountpoint: path + "/mount")
            }
        }
        // A neighbour whose name begins alike is another place.
        #expect(mkdir(path + "/mount-2", 0o700) == 0)
        #expect(try SpoolDirectory.choose(path + "/mount-2", mountpoint: path + "/mount").hasSuffix("/mount-2"))
    }

    @Test func isNothingElse() throws {
        #expect(throws: SystemError.self) { try SpoolDirectory.choose(path + "/none", mountpoint: path) }
        #expect(throws: SystemError.self) { try SpoolDirectory.choose("/proc/version", mountpoint: path) }
    }

    @Test func linesOfTheMountTableAreRead() throws {
        let line = try #require(
            MountTable.Line("36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - fuse.sterna sterna rw"))
        #expect(line.device == "98:0" && line.path == "/mnt 2" && line.type == "fuse.sterna")
        #expect(MountTable.Line("36 35 98:0 /mnt1 /mnt2 rw,noatime") == nil)
        #expect(MountTable.Line("36 35 98:0 /mnt1 /mnt2 rw,noatime -") == nil)
        let table = try #require(MountTable.read())
        var root = stat()
        #expect(stat("/", &root) == 0)
        #expect(table.line(at: "/")?.device == MountTable.name(of: root.st_dev))
        #expect(MountTable.name(of: 5_295_249_415_374_670) == "1234567:345678")
    }
}
