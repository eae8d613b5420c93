import Foundation

/// A FUSE filesystem that only hands everything on to a directory: what a mount can do at best.
final class PassthroughMount {
    let mount: String
    private let programs: Programs
    private let directory: String
    private var process = Process()

    init(_ programs: Programs, directory: String) throws {
        self.programs = programs
        self.directory = directory
        mount = directory + "/mnt"
        try start()
    }

    private func start() throws {
        let backing = directory + "/backing"
        for path in [mount, backing] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        process = Programs.process("\(programs.tools)/passthrough", [backing, mount])
        try process.run()
        try wait(seconds: 10, for: "the pass-through mount") {
            var here = stat()
            var above = stat()
            return stat(mount, &here) == 0 && stat(directory, &above) == 0 && here.st_dev != above.st_dev
        }
    }

    /// It keeps a descriptor for every file it has seen; a new one starts without.
    func remount() throws {
        unmount()
        try start()
    }

    /// Unmounts, and removes what was written.
    func stop() {
        unmount()
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func unmount() {
        process.terminate()
        process.waitUntilExit()
    }
}
