import Glibc

/// What an operation on a disk is refused with: an errno, positive.
package struct DiskError: Error, Equatable, CustomStringConvertible {
    package let code: Int32

    package init(_ code: Int32) { self.code = code }

    static func last() -> DiskError { DiskError(errno) }

    package var description: String { String(cString: strerror(code)) }
}
