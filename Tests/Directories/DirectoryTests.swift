import Directories
import Glibc
import TestSupport
import Testing

/// Directories on a disk without power, and one that cannot be read to its end.
@Suite(.timeLimit(.minutes(2))) struct DirectoryTests {
    private let mount: VolatileMount

    init() throws { mount = try VolatileMount() }

    private func isThere(_ path: String) -> Bool { access(mount.path + path, F_OK) == 0 }

    private func make(_ path: String) throws {
        guard mkdir(mount.path + path, 0o755) == 0 else { throw POSIXFailure("make \(path)") }
    }

    @Test("what was made is there, with all above it") func madeDirectories() throws {
        try DurableDirectory.makeWithParents(mount.path + "/a/b/c", mode: 0o755)
        try DurableDirectory.make(mount.path + "/d", mode: 0o700)
        try mount.cutPower()
        #expect(isThere("/a/b/c") && isThere("/d"))
    }

    /// Each name is durable before the next one is made, so that one at most is left.
    @Test("so is what somebody made who died before his sync", arguments: ["/a", "/a/b", "/a/b/c"])
    func leftByOthers(path: String) throws {
        let above = path.dropLast(2)
        if !above.isEmpty { try DurableDirectory.makeWithParents(mount.path + above, mode: 0o755) }
        try make(path)
        try DurableDirectory.makeWithParents(mount.path + "/a/b/c", mode: 0o755)
        try mount.cutPower()
        #expect(isThere("/a/b/c"))
        try make("/d")
        try DurableDirectory.make(mount.path + "/d", mode: 0o755)
        try mount.cutPower()
        #expect(isThere("/d"))
    }

    @Test("a missing parent is made only where that is asked for") func withoutParent() throws {
        let path = mount.path + "/a/b"
        #expect(throws: DirectoryError(action: "create", path: path, code: ENOENT)) {
            try DurableDirectory.make(path, mode: 0o755)
        }
    }

    @Test("a file is not taken for a directory") func file() throws {
        let path = mount.path + "/file"
        close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
        #expect(throws: DirectoryError.self) { try DurableDirectory.makeWithParents(path + "/a", mode: 0o755) }
        #expect(throws: DirectoryError.self) { try DurableDirectory.make(path, mode: 0o755) }
    }

    @Test("a listing that breaks off is an error") func brokenListing() throws {
        for name in ["/a", "/b", "/c"] { try make(name) }
        #expect(try DirectoryListing.names(in: mount.path) == ["a", "b", "c"])
        try mount.command("fail-list / 1")
        #expect(throws: DirectoryError(action: "list", path: mount.path, code: EIO)) {
            _ = try DirectoryListing.names(in: mount.path)
        }
        #expect(try DirectoryListing.names(in: mount.path) == ["a", "b", "c"])
    }
}
