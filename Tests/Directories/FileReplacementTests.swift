import Directories
import Glibc
import TestSupport
import Testing

/// Small files that are replaced, on a disk without power.
@Suite(.timeLimit(.minutes(2))) struct FileReplacementTests {
    private let mount: VolatileMount
    private var path: String { mount.path + "/file" }

    init() throws { mount = try VolatileMount() }

    private func contents() throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw POSIXFailure("open \(path)") }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        return Array(bytes[..<max(pread(file, &bytes, bytes.count, 0), 0)])
    }

    private func mode(of path: String) throws -> mode_t {
        var status = stat()
        guard stat(path, &status) == 0 else { throw POSIXFailure("stat \(path)") }
        return status.st_mode & 0o777
    }

    @Test func theNewContentsSurviveAPowerFailure() throws {
        try FileReplacement.replace(path, with: [1, 2])
        try mount.cutPower()
        #expect(try contents() == [1, 2])
        try FileReplacement.replace(path, with: [3], mode: 0o600)
        try mount.cutPower()
        #expect(try contents() == [3])
        #expect(try mode(of: path) == 0o600)
        #expect(try DirectoryListing.names(in: mount.path) == ["file"])
    }

    @Test func anEmptyFileIsOne() throws {
        try FileReplacement.replace(path, with: [], .volatile)
        #expect(try contents() == [])
    }

    @Test func whatSomebodyLeftBehindIsNoHindrance() throws {
        close(open(path + ".new", O_CREAT | O_WRONLY | O_CLOEXEC, 0o666))
        try FileReplacement.replace(path, with: [1], mode: 0o600)
        #expect(try contents() == [1])
        #expect(try mode(of: path) == 0o600)
    }

    @Test func whatCannotBeReplacedStays() throws {
        guard mkdir(path, 0o755) == 0 else { throw POSIXFailure("make \(path)") }
        #expect(throws: DirectoryError(action: "replace", path: path, code: EISDIR)) {
            try FileReplacement.replace(path, with: [1])
        }
        #expect(try DirectoryListing.names(in: mount.path) == ["file"])
        let missing = mount.path + "/missing/file"
        #expect(throws: DirectoryError(action: "create", path: missing + ".new", code: ENOENT)) {
            try FileReplacement.replace(missing, with: [1])
        }
    }
}
