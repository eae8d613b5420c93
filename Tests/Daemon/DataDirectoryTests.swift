import Daemon
import EventLoop
import Glibc
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct DataDirectoryTests {
    private static let reserve = 4 << 20

    private func isStored(_ data: DataDirectory) throws -> Bool {
        var isStored = false
        let hadRoom = try data.withRoom { isStored = true }
        #expect(hadRoom == isStored)
        return isStored
    }

    @Test("the state is stored only where all of it fits, also when the reserve is spent")
    func roomForTheState() throws {
        let filesystem = try SmallFilesystem(kibibytes: 32 << 10)
        let data = try DataDirectory(path: filesystem.path + "/data", reserveBytes: Self.reserve)
        let reserve = data.path + "/reserve"
        #expect(try data.keepReserve() && isStored(data))
        #expect(try !data.room(isLogFull: false).isFull && data.room(isLogFull: true).isFull)
        // Not a byte is left, but the reserve is there.
        try filesystem.fill(leaving: 0)
        #expect(try data.room(isLogFull: false).isFull)
        #expect(try isStored(data) && access(reserve, F_OK) != 0)
        #expect(try filesystem.freeBytes >= Self.reserve)
        // What was stored took some of it: enough for most states is not enough.
        try filesystem.makeRoom()
        try filesystem.fill(leaving: Self.reserve - 4096)
        #expect(try !isStored(data))
        #expect(throws: SystemError.self) { try data.requireRoom() }
        try filesystem.makeRoom()
        #expect(try isStored(data) && access(reserve, F_OK) == 0)
    }

    // MARK: Snapshots

    private func snapshots(_ data: DataDirectory) -> Set<String> {
        Set(names(in: data.path).filter { $0.contains("snapshot") })
    }

    private func write(_ directory: String) throws {
        guard mkdir(directory + "/state", 0o700) == 0 else { throw POSIXFailure("make a directory") }
        let file = open(directory + "/state/table", O_WRONLY | O_CREAT, 0o600)
        guard file >= 0 else { throw POSIXFailure("make a file") }
        close(file)
    }

    @Test("what cannot be finished goes, and takes no place of others") func failedSnapshots() throws {
        let directory = try TemporaryDirectory()
        let data = try DataDirectory(path: directory.path, reserveBytes: Self.reserve)
        for number in 0..<40 as Range<UInt64> {
            #expect(throws: POSIXFailure.self) {
                try data.makeSnapshot(number) { directory in
                    try write(directory)
                    throw POSIXFailure("write", code: ENOSPC)
                }
            }
        }
        #expect(snapshots(data).isEmpty)
        for number in 0..<16 as Range<UInt64> { try data.makeSnapshot(number, write) }
        #expect(throws: SystemError.self) { try data.makeSnapshot(16, write) }
        try data.makeSnapshot(7) { _ in Issue.record("it is there") }
        #expect(access(data.path + "/snapshot-7/state/table", F_OK) == 0)
    }

    @Test("what crashes have left goes at the start") func unfinishedSnapshots() throws {
        let directory = try TemporaryDirectory()
        let data = try DataDirectory(path: directory.path, reserveBytes: Self.reserve)
        try data.makeSnapshot(1, write)
        for name in ["snapshot-2.unfinished-77-1234", "tmp-snapshot-3", "unfinished-snapshot-4"] {
            let path = "\(data.path)/\(name)"
            guard mkdir(path, 0o700) == 0 else { throw POSIXFailure("make a directory") }
            try write(path)
        }
        try data.removeUnfinishedSnapshots()
        #expect(snapshots(data) == ["snapshot-1"])
        // One that was left and not removed is in nobody's way either.
        let left = data.path + "/unfinished-snapshot-5"
        guard mkdir(left, 0o700) == 0 else { throw POSIXFailure("make a directory") }
        try data.makeSnapshot(5, write)
        #expect(snapshots(data) == ["snapshot-1", "snapshot-5"])
    }

    // MARK: Without power

    @Test("a new directory is there, also one whose maker died before its sync") func newDirectory() throws {
        let mount = try VolatileMount()
        let path = mount.path + "/data"
        func isThere() -> Bool { access(path, F_OK) == 0 }
        _ = try DataDirectory(path: path, reserveBytes: Self.reserve)
        try mount.cutPower()
        #expect(isThere())
        guard rmdir(path) == 0 else { throw POSIXFailure("remove \(path)") }
        try mount.command("sync /")
        guard mkdir(path, 0o700) == 0 else { throw POSIXFailure("make \(path)") }
        _ = try DataDirectory(path: path, reserveBytes: Self.reserve)
        try mount.cutPower()
        #expect(isThere())
    }

    @Test("a snapshot that is made is there") func newSnapshot() throws {
        let mount = try VolatileMount()
        let data = try DataDirectory(path: mount.path + "/data", reserveBytes: Self.reserve)
        try data.makeSnapshot(17, write)
        try mount.cutPower()
        #expect(access(data.path + "/snapshot-17/state", F_OK) == 0)
        #expect(snapshots(data) == ["snapshot-17"])
    }
}
