import Protocol

/// Where a name stands in listings of its directory, as the number that listings go on from.
///
/// The upper bits are those of the name's hash, in whose order the cluster lists; the lower ones tell names apart that
/// share them, by a hash that nobody outside of this process can foresee. So it is the same as long as the process
/// lives, whatever is added or removed, and a listing goes on in the middle of any number of names of one hash.
package enum ListingOffset {
    /// Bits that are not of the name's hash.
    private static let ownMask: UInt64 = 0xffff

    /// 0 stands for `.`, 1 for `..`; names begin at 2. The highest one is such that there is a next one.
    package static func of(_ name: [UInt8], _ hash: NameHash) -> UInt64 {
        var hasher = Hasher()
        name.withUnsafeBytes { hasher.combine(bytes: $0) }
        let own = UInt64(UInt(bitPattern: hasher.finalize())) % (ownMask - 2) + 2
        return firstOffset(of: hash) | own
    }

    /// No name of this or a higher hash has a lower offset.
    package static func firstOffset(of hash: NameHash) -> UInt64 { hash.rawValue & ~ownMask }

    /// No name with this or a higher offset has a lower hash.
    package static func firstHash(of offset: UInt64) -> NameHash {
        NameHash(rawValue: offset & ~ownMask)
    }
}
