import Glibc

/// A file that could not be read or written, with the system's reason.
struct FileError: Error, CustomStringConvertible {
    var description: String

    init(_ action: String, _ path: String) {
        description = "error: cannot \(action) \(path): \(String(cString: strerror(errno)))"
    }
}

/// The contents of a file as text; invalid UTF-8 is repaired.
func readText(_ path: String) throws(FileError) -> String {
    guard let file = fopen(path, "r") else { throw FileError("open", path) }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&chunk, 1, chunk.count, file)
        bytes += chunk[..<count]
        if count < chunk.count { break }
    }
    guard ferror(file) == 0 else { throw FileError("read", path) }
    return String(decoding: bytes, as: UTF8.self)
}

/// Replaces the contents of a file.
func writeText(_ text: String, to path: String) throws(FileError) {
    guard let file = fopen(path, "w") else { throw FileError("create", path) }
    let bytes = Array(text.utf8)
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { throw FileError("write", path) }
}
