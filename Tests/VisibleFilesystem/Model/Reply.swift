import Foundation

/// What a call answers.
public enum Reply: Codable, Equatable, Sendable {
    case done
    case failed(errno: Int32)
    case number(Int)
    case bytes(Data)
    case attributes(size: Int, inode: UInt64)
    case names([String])
}

/// What the model says that a call must answer.
public enum ExpectedReply: Sendable {
    case reply(Reply)
    /// Size, and which file it is: the same file must always have the same number, others another one.
    case attributes(size: Int, file: FileID)
    /// An offset that lseek(2) may find from `offset` on in a file with these contents.
    case found(Sought, from: Int, in: [UInt8])
    /// What must then be under some names: one of several contents, or nothing.
    case names([NameExpectation])
}

public struct NameExpectation: Sendable {
    public let name: String
    /// nil: the name does not exist.
    public let alternatives: [[UInt8]?]
}

extension ExpectedReply {
    /// How a reply differs from what is right; nil when it does not. What `attributes` and `names` say about more than
    /// one reply is left to the caller.
    public func difference(_ reply: Reply) -> String? {
        switch self {
        case .reply(let right):
            return reply == right ? nil : "answered \(reply.summary), expected \(right.summary)\(place(reply, right))"
        case .attributes(let size, _):
            guard case .attributes(size, _) = reply else { return "answered \(reply.summary), expected size \(size)" }
            return nil
        case .found(let sought, let from, let content):
            return Self.isRight(reply, sought, from, content)
                ? nil : "answered \(reply.summary), which cannot be \(sought) from \(from) on of \(content.count) bytes"
        case .names:
            return reply == .done ? nil : "answered \(reply.summary)"
        }
    }

    /// What is said to be a hole must read as zeros, and what is passed over as one, too.
    private static func isRight(_ reply: Reply, _ sought: Sought, _ from: Int, _ content: [UInt8]) -> Bool {
        let noData = !content[from...].contains { $0 != 0 }
        switch (sought, reply) {
        case (.data, .failed(ENXIO)): return noData
        case (.data, .number(let offset)):
            return (from..<content.count).contains(offset) && !content[from..<offset].contains { $0 != 0 }
        case (.hole, .number(let offset)):
            return (from...content.count).contains(offset) && (offset == content.count || content[offset] == 0)
        default: return false
        }
    }

    private func place(_ reply: Reply, _ right: Reply) -> String {
        guard case .bytes(let found) = reply, case .bytes(let wanted) = right else { return "" }
        let same = zip(found, wanted).prefix { $0 == $1 }.count
        let different = zip(found, wanted).count { $0 != $1 }
        func byte(_ data: Data) -> String { same < data.count ? "\(data[data.startIndex + same])" : "nothing" }
        return "; \(different) bytes differ, the first at \(same): \(byte(found)) instead of \(byte(wanted))"
    }
}

extension Reply {
    /// Without many bytes.
    public var summary: String {
        switch self {
        case .bytes(let bytes): "\(bytes.count) bytes"
        case .failed(let code): "\(String(cString: strerror(code))) (\(code))"
        default: "\(self)"
        }
    }
}
