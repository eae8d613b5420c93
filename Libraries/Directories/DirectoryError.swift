import Glibc

/// What the system refused of a directory. Each library makes an error of its own of it.
public struct DirectoryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried: "create", "open", "sync", "list", "write" or "replace".
    public let action: String
    public let path: String
    /// errno, positive.
    public let code: Int32

    package init(action: String, path: String, code: Int32) {
        self.action = action
        self.path = path
        self.code = code
    }

    /// For an `errno` just set.
    static func last(_ action: String, _ path: String) -> DirectoryError {
        DirectoryError(action: action, path: path, code: errno)
    }

    /// What was tried, and with what.
    public var operation: String { "\(action) \(path)" }

    public var description: String { "\(operation): \(String(cString: strerror(code)))" }
}
