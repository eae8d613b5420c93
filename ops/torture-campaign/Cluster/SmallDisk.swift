import Foundation

/// A disk that can be full while the others are not.
protocol FillableDisk: Sendable {
    var disk: Int { get }
    /// Takes all space that is left.
    func fill()
    func free()
}

/// A disk on a small filesystem of its own, so that it can be full while the others are not. Needs root and loop
/// devices.
final class SmallDisk: FillableDisk {
    let disk: Int
    private let path: String
    private let log: String

    /// nil when this machine does not let us.
    init?(disk: Int, path: String, image: String, megabytes: Int, log: String) {
        guard getuid() == 0 else { return nil }
        self.disk = disk
        self.path = path
        self.log = log
        let script = """
            mkdir -p '\(path)' && truncate -s \(megabytes)M '\(image)' && mkfs.ext4 -q -F -m 0 '\(image)' \
            && mount -o loop,noatime '\(image)' '\(path)' && rmdir '\(path)/lost+found'
            """
        guard (try? ChildProgram.run("/bin/sh", ["-c", script], log: log)) == 0 else { return nil }
    }

    func unmount() {
        let status = try? ChildProgram.run("/bin/sh", ["-c", "umount '\(path)' || umount -l '\(path)'"], log: log)
        if status != 0 { say("cannot unmount \(path)") }
    }

    private var filler: String { path + "/filler" }

    func fill() {
        let descriptor = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return say("cannot fill \(path): \(PosixError.last("open"))") }
        var portion: off_t = 64 << 20
        var size: off_t = 0
        // Larger portions as long as they fit, then smaller ones.
        while portion >= 4096 {
            if posix_fallocate(descriptor, size, portion) == 0 { size += portion } else { portion /= 2 }
        }
        close(descriptor)
    }

    func free() { unlink(filler) }
}
