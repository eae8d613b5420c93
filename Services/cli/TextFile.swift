import Directories
import Glibc

/// A file that could not be read or written, for people.
package struct FileError: Error, CustomStringConvertible {
    let path: String
    let errnoValue: Int32
    package var description: String { "\(path): \(String(cString: strerror(errnoValue)))" }
}

/// The content of a small text file (64 KiB at most); nil when it does not exist.
func readTextFile(_ path: String) throws(FileError) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        if errno == ENOENT { return nil }
        throw FileError(path: path, errnoValue: errno)
    }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    var count = 0
    while count < bytes.count {
        let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + count, $0.count - count) }
        if got == 0 { break }
        if got < 0 {
            if errno == EINTR { continue }
            throw FileError(path: path, errnoValue: errno)
        }
        count += got
    }
    return String(decoding: bytes[..<count], as: UTF8.self)
}

/// Replaces a small text file so that a reader (or a crash) sees the old or the new content, never a part, and
/// the new one from the return on.
func replaceTextFile(_ path: String, with text: String) throws(FileError) {
    try translating { () throws(DirectoryError) in try FileReplacement.replace(path, with: Array(text.utf8)) }
}

/// Makes a directory and what is missing above it, durably.
func makeDirectories(_ path: String) throws(FileError) {
    try translating { () throws(DirectoryError) in try DurableDirectory.makeWithParents(path, mode: 0o755) }
}

private func translating(_ body: () throws(DirectoryError) -> Void) throws(FileError) {
    do throws(DirectoryError) { try body() } catch { throw FileError(path: error.path, errnoValue: error.code) }
}
