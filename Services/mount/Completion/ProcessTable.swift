import Glibc

/// What `/proc` tells of a process. Every function may block (see `CompletionRule`): for workers only.
package struct ProcessTable: Sendable {
    /// Where procfs is mounted; elsewhere in tests.
    package let root: String

    package init(root: String = "/proc") {
        self.root = root
    }

    /// What is safe to read of any thread at any time, even in the middle of execve.
    package struct Status {
        let group: Int32
        /// False once the address space is gone: the process is on its way out.
        let hasMemory: Bool
    }

    package func status(ofThread thread: Int32) -> Status? {
        guard let text = read("\(thread)/status") else { return nil }
        var group: Int32?
        var hasMemory = false
        for line in text.split(separator: UInt8(ascii: "\n")) {
            if let value = Self.value(of: "Tgid:", in: line) { group = Int32(value) }
            if Self.value(of: "VmSize:", in: line) != nil { hasMemory = true }
        }
        return group.map { Status(group: $0, hasMemory: hasMemory) }
    }

    /// Nil when it cannot be read. Safe in the middle of execve, when it is empty.
    package func hasEmptyCommandLine(_ thread: Int32) -> Bool? {
        read("\(thread)/cmdline").map(\.isEmpty)
    }

    /// Of `/proc/N/stat`. Blocks while the process is in execve.
    package struct Times {
        let startTicks: UInt64
        /// The signal that ended the process; 0 when none did.
        let fatalSignal: Int32
    }

    package func times(ofThread thread: Int32) -> Times? {
        guard let text = read("\(thread)/stat"), let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        // Fields from the third on; the second, the name, may contain anything.
        let fields = text[(end + 1)...].split(separator: UInt8(ascii: " "))
            .map { String(decoding: $0.filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self) }
        guard fields.count > 19, let start = UInt64(fields[19]) else { return nil }
        let exitCode = fields.count > 49 ? Int32(fields[49]) ?? 0 : 0
        return Times(startTicks: start, fatalSignal: exitCode & 0x7f)
    }

    /// Whether the process has a descriptor on the inode with this number. Nil when that cannot be found out.
    /// Blocks while the process is in execve.
    package func hasDescriptor(_ group: Int32, onInode number: UInt64) -> Bool? {
        guard let directory = opendir("\(root)/\(group)/fd") else { return nil }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            // Sockets, pipes and the like have no path: `socket:[17]`.
            guard Int32(name) != nil, isPath("\(root)/\(group)/fd/\(name)") else { continue }
            guard let info = read("\(group)/fdinfo/\(name)") else { continue }
            for line in info.split(separator: UInt8(ascii: "\n")) {
                if let value = Self.value(of: "ino:", in: line), UInt64(value) == number { return true }
            }
        }
        return false
    }

    private func isPath(_ link: String) -> Bool {
        var first: CChar = 0
        return readlink(link, &first, 1) == 1 && first == CChar(UInt8(ascii: "/"))
    }

    private func read(_ path: String) -> [UInt8]? {
        let descriptor = open("\(root)/\(path)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        while true {
            let before = content.count
            let part = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                count = max(0, Glibc.read(descriptor, buffer.baseAddress, 4096))
            }
            content += part
            if content.count == before { return content }
        }
    }

    /// The first word after `label`, if the line begins with it.
    private static func value(of label: String, in line: ArraySlice<UInt8>) -> String? {
        guard line.starts(with: label.utf8) else { return nil }
        let rest = line.dropFirst(label.utf8.count).drop { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") }
        return String(decoding: rest.prefix { $0 > UInt8(ascii: " ") }, as: UTF8.self)
    }
}
