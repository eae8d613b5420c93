import Glibc

/// What is mounted where, as the process sees it: `/proc/self/mountinfo`. Asks no filesystem anything.
package struct MountTable {
    package struct Line {
        /// `major:minor`.
        package let device: String
        package let path: String
        /// Such as `ext4` or `fuse.sterna`.
        package let type: String
        /// Such as `/dev/sda1`, or the addresses of a registry.
        package let source: String
        /// Of the filesystem, then those of this mount of it: `rw`, `nosuid`.
        package let options: [String]
    }

    /// In the order of mounting: of two at one path the later one is seen.
    package let lines: [Line]

    /// Nil when procfs is not there.
    package static func read() -> MountTable? {
        guard let file = fopen("/proc/self/mountinfo", "re") else { return nil }
        defer { fclose(file) }
        var lines: [Line] = []
        var text: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(text) }
        while getline(&text, &capacity, file) > 0, let text {
            if let line = Line(String(cString: text)) { lines.append(line) }
        }
        return MountTable(lines: lines)
    }

    /// `major:minor`; makedev(3) says where the bits are.
    package static func name(of device: dev_t) -> String {
        let major = device >> 8 & 0xfff | device >> 32 & ~0xfff
        let minor = device & 0xff | device >> 12 & 0xfff_ff00
        return "\(major):\(minor)"
    }

    /// What is seen at a path.
    package func line(at path: String) -> Line? { lines.last { $0.path == path } }

    func type(ofDevice device: String) -> String? { lines.last { $0.device == device }?.type }
}

extension MountTable.Line {
    /// proc(5): id, parent, device, root, path, options, optional fields, a dash, type, source, options.
    package init?(_ text: String) {
        let fields = text.split(separator: " ")
        guard fields.count > 6, let dash = fields.dropFirst(6).firstIndex(of: "-"), dash + 3 < fields.count else {
            return nil
        }
        device = String(fields[2])
        path = Self.unescaped(fields[4])
        type = String(fields[dash + 1])
        source = Self.unescaped(fields[dash + 2])
        options = (fields[dash + 3].split(separator: ",") + fields[5].split(separator: ",")).map(String.init)
    }

    /// Blanks and backslashes are octal there.
    private static func unescaped(_ field: Substring) -> String {
        guard field.contains("\\") else { return String(field) }
        var (bytes, rest) = ([UInt8](), field.utf8[...])
        while let first = rest.popFirst() {
            if first == UInt8(ascii: "\\"), rest.count >= 3, let byte = UInt8(Substring(rest.prefix(3)), radix: 8) {
                bytes.append(byte)
                rest.removeFirst(3)
            } else {
                bytes.append(first)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
