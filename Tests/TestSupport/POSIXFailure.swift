import Glibc

/// A system call of a test failed.
package struct POSIXFailure: Error, CustomStringConvertible {
    package let operation: String
    package let code: Int32

    /// Failed just now: `errno` says why.
    package init(_ operation: String, code: Int32 = errno) {
        self.operation = operation
        self.code = code
    }

    package var description: String { "cannot \(operation): \(String(cString: strerror(code)))" }
}
