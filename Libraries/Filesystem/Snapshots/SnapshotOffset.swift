import Protocol

/// Where a snapshot stands in listings, as the number from which they go on behind it: the same on every mount, however
/// often it was started since, and whatever is added or removed.
///
/// The upper bits are those of the name's hash, in whose order the cluster lists, so that one knows when one is past it;
/// the lower ones tell the versions of a name apart, and names that share the upper ones. Pure.
package enum SnapshotOffset {
    private static let ownBits: UInt64 = 43
    /// 0 is the beginning; behind `.` and `..` a listing goes on at these.
    package static let behindDots: UInt64 = 2

    package static func of(_ name: SnapshotName) -> UInt64 {
        let own = NameHash(of: name.bytes).rawValue & (1 << ownBits - 1)
        return max((NameHash(of: name.name).rawValue >> ownBits) << ownBits | own, behindDots + 1)
    }

    /// Listed before everything of a higher group.
    package static func group(_ offset: UInt64) -> UInt64 { offset >> ownBits }
}
