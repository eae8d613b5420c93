import Foundation

/// Directories and small files below a directory of a worker's own, which nobody else changes.
package struct NameTree: Equatable, Sendable {
    /// Of the directory itself, below the mount point.
    package let root: String
    /// Paths below the root, which is "".
    package private(set) var directories: Set<String> = [""]
    package private(set) var files: [String: [UInt8]] = [:]

    package init(root: String) { self.root = root }

    package static func path(_ name: String, in directory: String) -> String {
        directory.isEmpty ? name : "\(directory)/\(name)"
    }

    static func depth(_ directory: String) -> Int { directory.split(separator: "/").count }

    /// The path of something in it, below the mount point.
    func full(_ path: String) -> String { NameTree.path(path, in: root) }

    package func isEmpty(_ directory: String) -> Bool {
        !directories.union(files.keys).contains { $0.hasPrefix(directory + "/") }
    }

    package mutating func makeDirectory(_ path: String) { directories.insert(path) }
    package mutating func removeDirectory(_ path: String) { directories.remove(path) }
    package mutating func makeFile(_ path: String, _ bytes: [UInt8]) { files[path] = bytes }
    package mutating func removeFile(_ path: String) { files[path] = nil }

    /// A file, or a directory with all that is in it.
    package mutating func move(_ old: String, to new: String) {
        func moved(_ path: String) -> String {
            path == old ? new : path.hasPrefix(old + "/") ? new + path.dropFirst(old.count) : path
        }
        directories = Set(directories.map(moved))
        files = Dictionary(uniqueKeysWithValues: files.map { (moved($0.key), $0.value) })
    }

    // MARK: What is really there

    /// Reads it from a mount; nil when its root does not exist.
    package static func read(_ root: String, mount: String) throws -> NameTree? {
        var tree = NameTree(root: root)
        var open = [""]
        while let directory = open.popLast() {
            let place = path(directory, in: "\(mount)/\(root)")
            let names: [String]
            do {
                names = try list(directory.isEmpty ? "\(mount)/\(root)" : place)
            } catch let error as PosixError where error.code == ENOENT && directory.isEmpty {
                return nil
            }
            for name in names {
                let path = path(name, in: directory)
                var status = stat()
                guard lstat("\(mount)/\(root)/\(path)", &status) == 0 else {
                    throw PosixError.last("stat \(root)/\(path)")
                }
                if status.st_mode & S_IFMT == S_IFDIR {
                    tree.makeDirectory(path)
                    open.append(path)
                } else {
                    tree.makeFile(path, try contents("\(mount)/\(root)/\(path)"))
                }
            }
        }
        return tree
    }

    private static func list(_ path: String) throws -> [String] {
        guard let directory = opendir(path) else { throw PosixError.last("open \(path)") }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                guard errno == 0 else { throw PosixError.last("list \(path)") }
                return names
            }
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    private static func contents(_ path: String) throws -> [UInt8] {
        let file = try PosixFile(opening: path, O_RDONLY)
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = try bytes.withUnsafeMutableBytes { try file.read($0, at: 0) }
        try file.close()
        return Array(bytes[..<count])
    }

    /// What is here and not in `wanted`, or the other way round, for people; nil when they are the same.
    package func difference(from wanted: NameTree) -> String? {
        let extra = directories.subtracting(wanted.directories).map { "+\($0)/" }
            + files.keys.filter { wanted.files[$0] == nil }.map { "+\($0)" }
        let missing = wanted.directories.subtracting(directories).map { "-\($0)/" }
            + wanted.files.keys.filter { files[$0] == nil }.map { "-\($0)" }
        let changed = files.filter { wanted.files[$0.key].map { [bytes = $0.value] in $0 != bytes } ?? false }
            .map { "≠\($0.key)" }
        let all = (extra + missing + changed).sorted()
        return all.isEmpty ? nil : all.prefix(10).joined(separator: " ")
    }
}
