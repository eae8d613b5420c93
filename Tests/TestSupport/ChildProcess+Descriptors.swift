import Glibc

// A process and its open files.

extension ChildProcess {
    /// How many sockets it has open.
    package func socketCount() -> Int {
        let directory = "/proc/\(identifier)/fd"
        return names(in: directory).count { name in
            var target = [CChar](repeating: 0, count: 64)
            let count = readlink(directory + "/" + name, &target, target.count)
            return String(decoding: target[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
                .hasPrefix("socket:")
        }
    }

    /// Whether it can open anything more: whatever its hard limit allows, or nothing.
    package func mayOpen(_ isAllowed: Bool) throws {
        var limit = rlimit()
        guard let prlimit = Self.prlimit, prlimit(identifier, Self.openFiles, nil, &limit) == 0 else {
            throw POSIXFailure("read a limit")
        }
        limit.rlim_cur = isAllowed ? limit.rlim_max : 0
        guard prlimit(identifier, Self.openFiles, &limit, nil) == 0 else { throw POSIXFailure("set a limit") }
    }

    private static let openFiles = Int32(bitPattern: RLIMIT_NOFILE.rawValue)

    private typealias Prlimit = @convention(c) (
        pid_t, Int32, UnsafePointer<rlimit>?, UnsafeMutablePointer<rlimit>?
    ) -> Int32

    /// prlimit(2), which Swift's Glibc hides.
    private static var prlimit: Prlimit? { dlsym(nil, "prlimit").map { unsafeBitCast($0, to: Prlimit.self) } }

    /// Waits until its first thread has gone to sleep some more times: one that is always busy never does.
    package func sleeps(times: Int = 5) throws -> Bool {
        let before = try voluntarySwitches()
        return try happens { try voluntarySwitches() >= before + times }
    }

    private func voluntarySwitches() throws -> Int {
        guard let file = fopen("/proc/\(identifier)/status", "re") else { throw POSIXFailure("look at a process") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let text = String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
        guard let count = line?.split(whereSeparator: \.isWhitespace).last.flatMap({ Int($0) }) else {
            throw TestFailure("\(text) tells nothing of switches")
        }
        return count
    }
}
