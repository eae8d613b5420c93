import Filesystem
import Glibc

/// What the user namespace of this process, in which the mount is, has numbers for: user_namespaces(7).
package enum IdentityMap {
    /// Everybody where that cannot be read.
    static var own: KnownIdentities {
        guard let users = read("/proc/self/uid_map"), let groups = read("/proc/self/gid_map") else { return .all }
        return KnownIdentities(users: ranges(users), groups: ranges(groups))
    }

    /// Which numbers of a map are meant.
    package enum Side: Int {
        case inner, outer
    }

    /// Lines of the first number inside, the first outside, and how many there are.
    package static func ranges(_ map: String, _ side: Side = .inner) -> [ClosedRange<UInt32>] {
        map.split(separator: "\n").compactMap { line in
            let numbers = line.split(separator: " ").map { UInt32($0) }
            guard numbers.count == 3, let first = numbers[side.rawValue], let count = numbers[2], count > 0 else {
                return nil
            }
            return first...(first.addingReportingOverflow(count - 1).overflow ? .max : first + (count - 1))
        }
    }

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        // There are no more than 340 lines of at most 33 bytes.
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        let count = fread(&buffer, 1, buffer.count, file)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
