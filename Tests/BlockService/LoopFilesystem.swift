import Foundation
import Glibc
import TestSupport

/// An ext4 in a file, which can be made to fail.
final class LoopFilesystem {
    let path: String
    private let image: String

    /// - Throws: `POSIXFailure` when it cannot be made: it needs root, loop devices and mkfs.ext4.
    init(mebibytes: Int) throws {
        let base = FileManager.default.temporaryDirectory.appending(path: "sterna-loop-\(UUID().uuidString)").path
        (path, image) = (base, base + ".img")
        let make = "truncate -s \(mebibytes)M \(image) && mkfs.ext4 -q \(image) && mkdir \(path)"
        guard Self.shell("\(make) && mount -o loop \(image) \(path)") else {
            _ = Self.shell("rm -rf \(path) \(image)")
            throw POSIXFailure("make and mount an ext4 in \(image), which needs root and loop devices", code: EPERM)
        }
    }

    deinit { _ = Self.shell("umount -l \(path); rm -rf \(image); rmdir \(path)") }

    /// Everything of the medium from `offset` on cannot be read any more.
    func loseMedium(from offset: Int) { truncate(image, offset) }

    /// From now on everything on it is an input/output error.
    func fail() {
        var flags: UInt32 = 2  // without writing the journal
        let directory = Glibc.open(path, O_RDONLY)
        let result = withUnsafeMutablePointer(to: &flags) { ioctl(directory, 0x8004_587D, $0) }
        precondition(result == 0, "EXT4_IOC_SHUTDOWN: \(errno)")
        close(directory)
    }

    private static func shell(_ command: String) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", command]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
