import Protocol

/// A sum over a set of index records that does not depend on their order: two sets with different sums differ, and two
/// different sets have, for all that bit errors and defects do, different sums. So two large collections in different
/// orders are compared without memory for either.
struct IndexFingerprint: Equatable {
    private(set) var count: UInt64 = 0
    private var sum: UInt64 = 0
    private var otherSum: UInt64 = 0

    mutating func insert(_ record: StoredIndexRecord) {
        var hash = Self.mixed(record.service.rawValue)
        hash = Self.mixed(hash ^ record.file.rawValue)
        hash = Self.mixed(hash ^ record.byteOffset)
        count &+= 1
        sum &+= hash
        otherSum &+= Self.mixed(hash ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// A bijection of 64-bit numbers whose every output bit depends on every input bit (splitmix64's last step).
    static func mixed(_ value: UInt64) -> UInt64 {
        var value = value &+ 0x9e37_79b9_7f4a_7c15
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
