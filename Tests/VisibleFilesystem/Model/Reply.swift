import Foundation

/// What a call answers.
public enum Reply: Codable, Equatable, Sendable {
    case done
    case failed(errno: Int32)
    case number(Int)
    case bytes(Data)
    case attributes(size: Int, inode: UInt64, status: Status)
    case extended([String: Data])
    case names([String])
}

/// What the model says that a call must answer.
public enum ExpectedReply: Sendable {
    case reply(Reply)
    /// Size if anybody knows, and which file it is: the same file must always have the same number, others another
    /// one; and whose it is, if that is kept.
    case attributes(size: Int?, file: FileID, Attributes?)
    /// An offset that lseek(2) may find from `offset` on in a file with these contents.
    case found(Sought, from: Int, in: [UInt8])
    /// What must then be under some names: one of several contents, or nothing.
    case names([NameExpectation])
}

public struct NameExpectation: Sendable {
    public let name: String
    /// nil: the name does not exist.
    public let alternatives: [Appearance?]
}

/// What may be under a name.
public struct Appearance: Sendable {
    /// The file as which it was known until now.
    let file: FileID
    public let content: [UInt8]
    let attributes: Attributes?

    init(_ file: FileID, _ content: [UInt8], _ attributes: Attributes?) {
        self.file = file
        self.content = content
        self.attributes = attributes
    }

    /// How something found differs from it; nil when it does not.
    public func difference(_ found: [UInt8], _ status: Status, _ extended: [String: Data]) -> String? {
        guard found == content else { return "\(found.count) bytes that are not these \(content.count)" }
        guard let attributes else { return nil }
        if let difference = attributes.difference(status) { return difference }
        let wanted = attributes.shown(to: .root)
        return extended == wanted ? nil : "extended attributes \(extended), expected \(wanted)"
    }
}

extension ExpectedReply {
    /// Whether it fails because somebody may not do it, or there is nothing to do it with.
    var isFutile: Bool {
        guard case .reply(.failed(let code)) = self else { return false }
        return [EACCES, EPERM, ENOENT].contains(code)
    }

    /// How a reply differs from what is right; nil when it does not. What `attributes` and `names` say about more than
    /// one reply is left to the caller.
    public func difference(_ reply: Reply) -> String? {
        switch self {
        case .reply(let right):
            return reply == right ? nil : "answered \(reply.summary), expected \(right.summary)\(place(reply, right))"
        case .attributes(let size, _, let attributes):
            guard case .attributes(let found, _, let status) = reply, found == size ?? found else {
                return "answered \(reply.summary), expected " + (size.map { "size \($0)" } ?? "attributes")
            }
            return attributes?.difference(status)
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
