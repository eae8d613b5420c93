import Wire

/// Why a directory info must not be set: some client could not live with it (wire-protocol.md 18).
public enum DirectoryInfoProblem: Error, Equatable, Sendable, CustomStringConvertible {
    case malformed(DirectoryInfoTag)
    case repeated(DirectoryInfoTag)
    case noEntries(DirectoryInfoTag)
    case badParity(Parity)
    case badMaximumSpanSize(UInt32)
    case zeroStripeSize
    case tooLarge(bytes: Int)
    case missing(DirectoryInfoTag)

    public var description: String {
        switch self {
        case .malformed(let tag): "the \(tag) policy cannot be decoded"
        case .repeated(let tag): "the \(tag) policy is given twice"
        case .noEntries(let tag): "the \(tag) policy has no entries"
        case .badParity(let parity): "\(parity) is not a parity: one data block, or more of them with parity"
        case .badMaximumSpanSize(let size):
            "the last span policy allows \(size) bytes; it must be a multiple of 4096 of at most 100 MiB"
        case .zeroStripeSize: "the target stripe size is 0"
        case .tooLarge(let bytes): "the policies take \(bytes) bytes, \(DirectoryInfo.maximumSize) are possible"
        case .missing(let tag): "the root must define the \(tag) policy"
        }
    }
}

extension DirectoryInfo {
    /// The greatest encoded size in bytes: it has to fit into one datagram with other things (metadata.md F-5).
    public static let maximumSize = 1200
    /// The greatest size of a span or block in bytes.
    public static let maximumSpanSize: UInt32 = 100 << 20

    /// Throws when the kernel client or the services could not live with the policies; the root must define all.
    public func validate(isRoot: Bool) throws(DirectoryInfoProblem) {
        guard encodedSize <= Self.maximumSize else { throw .tooLarge(bytes: encodedSize) }
        var seen: Set<DirectoryInfoTag> = []
        for entry in entries {
            guard seen.insert(entry.tag).inserted else { throw .repeated(entry.tag) }
        }
        _ = try checked(SnapshotPolicy.self)
        if let span = try checked(SpanPolicy.self) { try span.validate() }
        if let block = try checked(BlockPolicy.self), block.entries.isEmpty { throw .noEntries(.block) }
        if let stripe = try checked(StripePolicy.self), stripe.targetStripeSize == 0 { throw .zeroStripeSize }
        _ = try checked(ContinuationPolicy.self)
        guard isRoot else { return }
        for tag in DirectoryInfoTag.known where !seen.contains(tag) { throw .missing(tag) }
    }

    private func checked<Policy: DirectoryPolicy>(
        _ type: Policy.Type
    ) throws(DirectoryInfoProblem) -> Policy? {
        do throws(DecodeError) {
            return try policy(type)
        } catch {
            throw .malformed(Policy.tag)
        }
    }
}

extension SpanPolicy {
    fileprivate func validate() throws(DirectoryInfoProblem) {
        guard let last = entries.last else { throw .noEntries(.span) }
        for entry in entries where !entry.parity.isValid { throw .badParity(entry.parity) }
        guard last.maxSize > 0, last.maxSize % 4096 == 0, last.maxSize <= DirectoryInfo.maximumSpanSize else {
            throw .badMaximumSpanSize(last.maxSize)
        }
    }
}
