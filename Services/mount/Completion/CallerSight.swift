import Glibc

/// Whether this process can find out who closes its files: it sees processes of its own pid namespace and of those
/// within, if procfs is that namespace's.
enum CallerSight {
    /// Of the first pid namespace, always.
    private static let firstNamespace = "pid:[4026531836]"

    /// Whether `/proc` tells of the processes that the kernel's numbers mean here.
    static let isProcOurs: Bool = link("/proc/self") == "\(getpid())"

    /// Whether the process of a calling thread can be asked about.
    static func sees(_ thread: Int32) -> Bool { thread > 0 && isProcOurs }

    /// What is wrong with it, for the log; nil: nothing.
    static var warning: String? {
        if !isProcOurs {
            return "/proc is not that of this pid namespace, so nobody can be told who closes a file: what was written "
                + "appears at every close of a descriptor"
        }
        guard link("/proc/self/ns/pid") != firstNamespace else { return nil }
        return "this mount has a pid namespace of its own: of programs outside it cannot be told who closes a file, so "
            + "what they have written appears at every close of a descriptor"
    }

    private static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
