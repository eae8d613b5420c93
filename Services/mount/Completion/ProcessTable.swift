import Glibc
import Mutations

/// What `/proc` tells of a process. Every function may block (see `CompletionRule`): for workers only.
package struct ProcessTable: Sendable {
    /// Where procfs is mounted; elsewhere in tests.
    package let root: String

    package init(root: String = "/proc") {
        self.root = root
    }

    /// The process that a thread belongs to. Safe to ask at any time, even in the middle of execve.
    package func group(ofThread thread: Int32) -> Int32? {
        guard let text = read("\(thread)/status") else { return nil }
        for line in text.split(separator: UInt8(ascii: "\n")) {
            if let value = Self.value(of: "Tgid:", in: line) { return Int32(value) }
        }
        return nil
    }

    /// The groups that a thread belongs to beside its first. Safe at any time.
    package func groups(ofThread thread: Int32) -> [UInt32] {
        read("\(thread)/status").map { Self.numbers(of: "Groups:", in: $0) } ?? []
    }

    /// The numbers of the line of a text that begins with `label`.
    static func numbers(of label: String, in text: [UInt8]) -> [UInt32] {
        let label = Array(label.utf8)
        guard let line = text.split(separator: UInt8(ascii: "\n")).first(where: { $0.starts(with: label) }) else {
            return []
        }
        return line.dropFirst(label.count).split { $0 <= UInt8(ascii: " ") }
            .compactMap { UInt32(String(decoding: $0, as: UTF8.self)) }
    }

    /// False once the address space is gone: the process is on its way out. Safe at any time.
    package func hasMemory(_ thread: Int32) -> Bool? {
        guard let text = read("\(thread)/statm"), let first = text.first else { return nil }
        return first != UInt8(ascii: "0")
    }

    /// Nil when it cannot be read. Safe in the middle of execve, when it is empty.
    package func hasEmptyCommandLine(_ thread: Int32) -> Bool? {
        read("\(thread)/cmdline", upTo: 1).map(\.isEmpty)
    }

    /// The signal that ends a process which has lost its address space already; 0 when none does. Blocks in execve.
    package func fatalSignal(ofExiting thread: Int32) -> Int32? {
        guard let text = read("\(thread)/stat"), let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        // Fields from the third on; the second, the name, may contain anything. The exit code is the 52nd and last.
        let fields = text[(end + 1)...].split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        guard fields.count > 49, let code = Int32(String(decoding: fields[49], as: UTF8.self)) else { return nil }
        return code & 0x7f
    }

    /// Whether the process can write to the inode with this number through a descriptor. The kernel knows it by one of
    /// `names`.
    /// Nil when that cannot be found out. Blocks while the process is in execve.
    /// - Parameter device: of the mount that is meant; another one may have the same file, with the same number. Nil:
    ///   any.
    package func hasDescriptor(
        _ group: Int32, onInode number: UInt64, named names: Set<[UInt8]>, of device: String? = nil
    ) -> Bool? {
        guard let directory = opendir("\(root)/\(group)/fd") else { return nil }
        defer { closedir(directory) }
        let folder = dirfd(directory)
        while true {
            errno = 0
            // An error may have kept the one that we are looking for from us.
            guard let entry = readdir(directory) else { return errno == 0 ? false : nil }
            // Cheaper than asking each for its inode: whatever has another name is another file.
            guard let descriptor = Self.number(entry), Self.leads(entry, in: folder, toOneOf: names) else { continue }
            guard let info = read("\(group)/fdinfo/\(descriptor)") else { continue }
            if Self.isWriter(info, onInode: number), !isElsewhere(info, group, than: device) { return true }
        }
    }

    /// Whether `fdinfo` tells of a descriptor on the inode with this number that can write.
    private static func isWriter(_ info: [UInt8], onInode number: UInt64) -> Bool {
        var (isOnInode, isReading) = (false, false)
        for line in info.split(separator: UInt8(ascii: "\n")) {
            if let value = value(of: "ino:", in: line) { isOnInode = UInt64(value) == number }
            // Where flags cannot be read, it may be one.
            if let value = value(of: "flags:", in: line), let flags = Int32(value, radix: 8) {
                isReading = flags & O_ACCMODE == O_RDONLY
            }
        }
        return isOnInode && !isReading
    }

    /// Whether `fdinfo` tells of a descriptor on another device. A mount that the process does not see may be any.
    private func isElsewhere(_ info: [UInt8], _ group: Int32, than device: String?) -> Bool {
        let lines = info.split(separator: UInt8(ascii: "\n"))
        guard let device, !Mutation.mountsAreMixedUp.isPlanted,
            let mount = lines.lazy.compactMap({ Self.value(of: "mnt_id:", in: $0) }).first,
            let mounts = read("\(group)/mountinfo")
        else { return false }
        for line in mounts.split(separator: UInt8(ascii: "\n")) {
            // Mount, parent, device.
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 3)
            guard fields.count > 2, fields[0].elementsEqual(mount.utf8) else { continue }
            return !fields[2].elementsEqual(device.utf8)
        }
        return false
    }

    private static func number(_ entry: UnsafeMutablePointer<dirent>) -> Int32? {
        withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { Int32(String(cString: $0)) }
        }
    }

    /// Whether the path of a descriptor ends in one of the names. Sockets, pipes and the like have none: `socket:[17]`.
    /// A path that is too long to be seen whole may end in any.
    private static func leads(
        _ entry: UnsafeMutablePointer<dirent>, in folder: Int32, toOneOf names: Set<[UInt8]>
    ) -> Bool {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
            guard let base = buffer.baseAddress else { return true }
            let length = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { readlinkat(folder, $0, base, buffer.count) }
            }
            guard length > 0, buffer[0] == CChar(UInt8(ascii: "/")) else { return false }
            guard length < buffer.count else { return true }
            let path = UnsafeRawBufferPointer(buffer)[..<length]
            guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return true }
            let name = Array(path[(slash + 1)...])
            return names.contains(name)
        }
    }

    func read(_ path: String, upTo limit: Int = .max) -> [UInt8]? {
        let descriptor = open("\(root)/\(path)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        while content.count < limit {
            let before = content.count
            let part = [UInt8](unsafeUninitializedCapacity: min(4096, limit)) { buffer, count in
                count = max(0, Glibc.read(descriptor, buffer.baseAddress, min(4096, limit)))
            }
            content += part
            // Files of procfs come whole, unless they are longer than the buffer.
            if content.count - before < 4096 { break }
        }
        return content
    }

    /// The first word after `label`, if the line begins with it.
    static func value(of label: String, in line: ArraySlice<UInt8>) -> String? {
        guard line.starts(with: label.utf8) else { return nil }
        let rest = line.dropFirst(label.utf8.count).drop { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") }
        return String(decoding: rest.prefix { $0 > UInt8(ascii: " ") }, as: UTF8.self)
    }
}
