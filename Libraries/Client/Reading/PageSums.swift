import Erasure
import Protocol

/// The checksums of successive pages of a block. Whoever fills it owns it until then; after that it never changes.
package final class PageSums {
    package let count: Int
    /// `count` values.
    package let values: UnsafeMutablePointer<UInt32>

    /// Of so many data bytes, a multiple of the page size; zeros until they are filled in.
    package init(ofBytes bytes: Int) {
        count = bytes / ClientLimits.pageBytes
        values = .allocate(capacity: count)
        values.initialize(repeating: 0, count: count)
    }

    deinit { values.deallocate() }

    /// The checksum of all the pages together.
    var joined: CRC32C {
        let shift = CastagnoliShift.page
        return CRC32C(rawValue: (0..<count).reduce(UInt32(0)) { shift.append($0, values[$1]) })
    }

    /// Whether `other` are the checksums from the page `first` on.
    func contains(_ other: PageSums, from first: Int) -> Bool {
        first >= 0 && first + other.count <= count
            && (0..<other.count).allSatisfy { values[first + $0] == other.values[$0] }
    }

    /// Makes numbers of what came from the wire.
    func convertFromLittleEndian() {
        for index in 0..<count { values[index] = UInt32(littleEndian: values[index]) }
    }
}
