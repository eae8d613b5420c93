import Wire

/// A structure that is kept as the body of a directory info's entry.
public protocol DirectoryPolicy: WireValue, Hashable {
    static var tag: DirectoryInfoTag { get }
}

extension SnapshotPolicy: DirectoryPolicy {
    public static var tag: DirectoryInfoTag { .snapshot }
}

extension SpanPolicy: DirectoryPolicy {
    public static var tag: DirectoryInfoTag { .span }
}

extension BlockPolicy: DirectoryPolicy {
    public static var tag: DirectoryInfoTag { .block }
}

extension StripePolicy: DirectoryPolicy {
    public static var tag: DirectoryInfoTag { .stripe }
}

extension ContinuationPolicy: DirectoryPolicy {
    public static var tag: DirectoryInfoTag { .continuation }
}

extension DirectoryInfo {
    /// The body of the entry with this tag (the last one, as other clients have it); nil when it is inherited.
    public subscript(tag: DirectoryInfoTag) -> [UInt8]? {
        entries.last { $0.tag == tag }?.body
    }

    /// The policy the directory defines itself; nil when it is inherited.
    public func policy<Policy: DirectoryPolicy>(_ type: Policy.Type = Policy.self) throws(DecodeError) -> Policy? {
        guard let body = self[Policy.tag] else { return nil }
        return try Policy(decoding: body)
    }

    /// Defines a policy, in place of one of its kind if there is one. A policy above 255 bytes is refused.
    public mutating func set<Policy: DirectoryPolicy>(_ policy: Policy) throws(EncodeError) {
        let body = try policy.encoded()
        guard body.count <= Int(UInt8.max) else { throw .lengthTooLarge }
        let entry = DirectoryInfoEntry(tag: Policy.tag, body: body)
        if let index = entries.firstIndex(where: { $0.tag == Policy.tag }) {
            entries[index] = entry
        } else {
            entries.append(entry)
        }
    }

    /// Lets the policy with this tag be inherited again.
    public mutating func remove(_ tag: DirectoryInfoTag) {
        entries.removeAll { $0.tag == tag }
    }
}
