import Protocol
import Simulator
import Testing
import Filesystem

/// Offsets of names in listings.
@Suite struct ListingOffsetTests {
    private func offset(_ name: [UInt8], _ hash: UInt64) -> UInt64 {
        ListingOffset.of(name, NameHash(rawValue: hash))
    }

    @Test func theyKeepTheOrderOfHashesAndLeaveRoomForTheDots() {
        let hashes: [UInt64] = [0, 1, 0xffff, 0x1_0000, 0x1_2345, 1 << 40, .max >> 1]
        for hash in hashes {
            let offsets = (0..<5000).map { offset(Array("name \($0)".utf8), hash) }
            let first = ListingOffset.firstOffset(of: NameHash(rawValue: hash))
            #expect(offsets.allSatisfy { $0 >= first + 2 && $0 - first < 0xffff })
            #expect(offsets.allSatisfy { $0 < UInt64(Int64.max) })
            #expect(offsets.allSatisfy { ListingOffset.firstHash(of: $0 + 1).rawValue <= hash })
            #expect(offset([1], hash) == offset([1], hash))
        }
    }

    @Test func namesOfOneHashHaveDifferentOnes() {
        let names = (0..<300).map(CollidingNames.name)
        let offsets = Dictionary(grouping: names) { ListingOffset.of($0, NameHash(of: $0)) }
        // Three hundred among sixty-five thousand: pairs do happen.
        #expect(offsets.count > 280 && offsets.values.allSatisfy { $0.count < 5 })
    }
}
