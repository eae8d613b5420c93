import Glibc

/// A directory that is removed with everything in it when the value goes away.
final class TemporaryDirectory {
    let path: String

    init() throws {
        // In memory where possible: these tests make many databases, and none has to survive anything.
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = [CChar]("\(parent)/sterna-check-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXFailure(code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        removeTree(path)
    }
}

struct POSIXFailure: Error {
    let code: Int32
}

private func removeTree(_ path: String) {
    for name in names(in: path, endingIn: "") where name != "." && name != ".." {
        if remove(path + "/" + name) != 0 { removeTree(path + "/" + name) }
    }
    remove(path)
}

/// The names in the directory `path` that end in `suffix`.
func names(in path: String, endingIn suffix: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var result: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name.hasSuffix(suffix) { result.append(name) }
    }
    return result
}
