import Glibc

/// A failed system call: what was tried and the errno.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried, for people: "bind 127.0.0.1:10001".
    public let operation: String
    /// errno, positive.
    public let code: Int32

    /// `code` may be errno or its negative (as libuv and CLinux report it).
    public init(_ operation: String, code: Int32) {
        self.operation = operation
        self.code = code < 0 ? 0 &- code : code
    }

    /// The errno of the call that has just failed on this thread.
    public static func last(_ operation: String) -> SystemError {
        SystemError(operation, code: errno)
    }

    public var description: String {
        "\(operation): \(SystemError.message(forCode: code))"
    }

    /// What the C library calls this errno.
    public static func message(forCode code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
