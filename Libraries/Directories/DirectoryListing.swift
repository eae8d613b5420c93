import Glibc
import Mutations

/// Listing directories. An error before the end is an error: a name that is not listed is not a name that is not there.
public enum DirectoryListing {
    /// The names in a directory but for `.` and `..`, sorted.
    public static func names(in path: String) throws(DirectoryError) -> [String] {
        var names: [String] = []
        try forEach(in: path) { bytes in
            let name = String(decoding: bytes, as: UTF8.self)
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Hands every name to `body`, `.` and `..` included.
    /// - Parameter directory: a descriptor, which `path` is relative to.
    public static func forEach(
        in path: String, below directory: Int32 = AT_FDCWD, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(DirectoryError) {
        let descriptor = openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0, let stream = fdopendir(descriptor) else {
            let error = DirectoryError.last("list", path)
            if descriptor >= 0 { close(descriptor) }
            throw error
        }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            // In place: an entry is shorter than the structure that Swift would copy.
            withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                let length = bytes.firstIndex(of: 0) ?? bytes.count
                body(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
            }
        }
        let code = errno
        guard code == 0 || Mutation.shortListingsAreBelieved.isPlanted else {
            throw DirectoryError(action: "list", path: path, code: code)
        }
    }
}
