import Foundation
import TestSupport
import Testing

/// What proves the model: a local filesystem is another one that does what it says.
@Suite("The model and a local disk", .timeLimit(.minutes(4)))
struct LocalDirectoryTests {
    /// What several users do.
    private static let permissions = [
        "open EACCES ", "unlink EPERM ", "unlink EACCES ", "rename EPERM ", "rename EACCES ", "truncate EACCES ",
        "chmod ", "chmod EPERM ", "chown ", "chown EPERM ", "setTimes ", "setTimes EPERM ", "setTimes EACCES ",
        "setExtended ", "setExtended EACCES ", "setExtended EPERM ", "setExtended EEXIST ", "setExtended ENODATA ",
        "removeExtended ENODATA ", "extended EACCES ", "setList ", "setList EPERM ", "setList EACCES ", "mkdir ",
        "mkdir EEXIST ", "rmdir ", "symlink ", "access ", "access EACCES ", "list EACCES ", "umask ",
    ]

    @Test func seeTheSame() async throws {
        let (status, output) = try await run("--seed 1000 --operations 15000")
        #expect(status == 0, "\(output)")
        var wanted = ["store ", "msync ", "fallocate ", "find ", "kill ", "read EBADF ", "rename EEXIST "]
        if geteuid() == 0 { wanted += Self.permissions }
        for done in wanted { #expect(output.contains(done), "nothing of this happened: \(done)") }
    }

    @Test("a filesystem that does something else is found, and its script runs again")
    func difference() async throws {
        // Where there is no room for what a program writes it sees ENOSPC or a short write, of which the model
        // knows nothing.
        let small = try SmallFilesystem(kibibytes: 64)
        let writing = "--capabilities local,edits-anywhere"
        let (status, output) = try await run(
            "--seed 1 --operations 15000 --shrink-seconds 20 \(writing)", in: small.path)
        #expect(status == 1, "\(output)")
        let lines = output.split(separator: "\n").filter { $0.hasPrefix("{") }
        #expect((1...6).contains(lines.count), "\(output)")
        let script = try TemporaryDirectory("script")
        try lines.joined(separator: "\n").write(
            toFile: script.path + "/script", atomically: true, encoding: .utf8)
        let (again, found) = try await run(
            "--script '\(script.path)/script' --shrink-seconds 0 \(writing)", in: small.path)
        #expect(again == 1 && found.contains(" 1 differences"), "\(found)")
    }

    /// No thread waits for it: the other tests need them.
    private func run(
        _ options: String, in directory: String? = nil
    ) async throws -> (status: Int32, output: String) {
        let temporary = try TemporaryDirectory("programs")
        let output = temporary.path + "/output"
        let program = try builtProgram("sterna-random-programs")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let place = directory ?? temporary.path
        process.arguments = [
            "-c", "exec timeout 200 '\(program)' --directory '\(place)' \(options) > '\(output)' 2>&1",
        ]
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        return (process.terminationStatus, try String(contentsOfFile: output, encoding: .utf8))
    }
}
