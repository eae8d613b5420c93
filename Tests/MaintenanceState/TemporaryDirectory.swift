import Glibc

/// A directory that is removed with everything in it when the value goes away.
final class TemporaryDirectory {
    let path: String

    struct CannotBeMade: Error {}

    init() throws {
        var template = [CChar]("/tmp/sterna-state-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CannotBeMade() }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        Self.removeTree(path)
    }

    private static func removeTree(_ path: String) {
        for name in names(in: path) where remove(path + "/" + name) != 0 { removeTree(path + "/" + name) }
        remove(path)
    }

    private static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var result: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { result.append(name) }
        }
        return result
    }
}
