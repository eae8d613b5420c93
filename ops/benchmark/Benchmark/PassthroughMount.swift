import Foundation

/// A FUSE filesystem that only hands everything on to a directory: what a mount can do at best.
final class PassthroughMount {
    let mount: String
    private let process: Process

    init(_ programs: Programs, directory: String) throws {
        mount = directory + "/mnt"
        let backing = directory + "/backing"
        for path in [mount, backing] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        process = Programs.process("\(programs.tools)/passthrough", [backing, mount])
        try process.run()
        let mount = mount
        try wait(seconds: 10, for: "the pass-through mount") {
            var here = stat(), above = stat()
            return stat(mount, &here) == 0 && stat(directory, &above) == 0 && here.st_dev != above.st_dev
        }
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}
