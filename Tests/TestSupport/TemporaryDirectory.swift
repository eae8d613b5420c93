import Glibc

/// A directory that is removed with everything in it when the object goes away.
package final class TemporaryDirectory: Sendable {
    package let path: String

    /// - Parameters:
    ///   - label: what the directory is for, part of its name.
    ///   - inMemory: on a filesystem without a disk where there is one, for tests that make many databases of which none
    ///     has to survive anything.
    /// - Throws: `POSIXFailure` when it cannot be made.
    package init(_ label: String = "test", inMemory: Bool = false) throws {
        let parent = inMemory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = [CChar]("\(parent)/sterna-\(label)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXFailure("make a directory in \(parent)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        removeTree(path)
    }
}

/// Removes a file, or a directory with everything in it. Links are not followed.
package func removeTree(_ path: String) {
    guard remove(path) != 0, errno == ENOTEMPTY || errno == EEXIST else { return }
    for name in names(in: path) { removeTree(path + "/" + name) }
    remove(path)
}

/// The names in the directory `path` that end in `suffix`; none if it cannot be read.
package func names(in path: String, endingIn suffix: String = "") -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var result: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name != ".", name != "..", name.hasSuffix(suffix) { result.append(name) }
    }
    return result
}
