import Glibc

/// The order of keys in every store: bytewise, a prefix before its extensions.
public enum KeyOrder {
    /// Negative, zero or positive as `left` sorts before, equal to or after `right`.
    @inlinable
    public static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        let common = min(left.count, right.count)
        if common > 0, let leftBase = left.baseAddress, let rightBase = right.baseAddress {
            let order = memcmp(leftBase, rightBase, common)
            if order != 0 { return Int(order) }
        }
        return left.count - right.count
    }

    /// Negative, zero or positive as `left` sorts before, equal to or after `right`.
    @inlinable
    public static func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
        left.withUnsafeBytes { left in right.withUnsafeBytes { compare(left, $0) } }
    }

    /// The smallest key that sorts after every key starting with `prefix`; nil when there is none (all bytes 0xff).
    public static func upperBound(ofPrefix prefix: [UInt8]) -> [UInt8]? {
        var bound = prefix
        while let last = bound.last {
            if last < 0xff {
                bound[bound.count - 1] = last + 1
                return bound
            }
            bound.removeLast()
        }
        return nil
    }
}
