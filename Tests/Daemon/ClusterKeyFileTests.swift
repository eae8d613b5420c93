import Daemon
import EventLoop
import Glibc
import Protocol
import TestSupport
import Testing

@Suite struct ClusterKeyFileTests {
    @Test func isMadeOnceAndForItsOwner() throws {
        let directory = try TemporaryDirectory("key")
        let file = ClusterKeyFile(directory.path + "/key")
        #expect(!file.exists)
        try file.create()
        var status = stat()
        #expect(stat(file.path, &status) == 0 && status.st_mode & 0o7777 == 0o600)
        let key = try file.load()
        #expect(throws: SystemError.self) { try file.create() }
        #expect(try file.load() == key)
        #expect(ClusterKey(hexadecimal: key.hexadecimal) == key)
        #expect(names(in: directory.path) == ["key"])
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o644] as [mode_t]) func mayBeReadByNobodyElse(_ mode: mode_t) throws {
        let directory = try TemporaryDirectory("key")
        let file = ClusterKeyFile(try directory.clusterKey(mode: mode)[1])
        #expect(throws: ClusterKeyFile.Unusable.self) { try file.load() }
        chmod(file.path, 0o400)
        #expect(throws: Never.self) { try file.load() }
    }

    @Test(arguments: ["", "\n", "0123", String(repeating: "z", count: 64), String(repeating: "a", count: 66)])
    func otherContentsAreRefused(_ text: String) throws {
        let directory = try TemporaryDirectory("key")
        let file = ClusterKeyFile(try directory.clusterKey(text)[1])
        #expect(throws: ClusterKeyFile.Unusable.self) { try file.load() }
    }
}
