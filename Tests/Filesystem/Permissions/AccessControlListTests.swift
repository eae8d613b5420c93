import Filesystem
import TestSupport
import Testing

@Suite struct AccessControlListTests {
    typealias Entry = AccessControlList.Entry

    /// rwx for the owner, rw- for user 5, r-x for the group, r-- for group 6, rw- at most, --x for others.
    private static let entries = [
        Entry(.owner, 7), Entry(.user, 6, id: 5), Entry(.owningGroup, 5), Entry(.group, 4, id: 6), Entry(.mask, 6),
        Entry(.others, 1),
    ]

    @Test func hasTheFormatOfTheKernel() throws {
        let list = try #require(AccessControlList(Self.entries))
        let none: [UInt8] = [255, 255, 255, 255]
        let expected: [UInt8] =
            [2, 0, 0, 0] + [1, 0, 7, 0] + none + [2, 0, 6, 0, 5, 0, 0, 0] + [4, 0, 5, 0] + none
            + [8, 0, 4, 0, 6, 0, 0, 0] + [0x10, 0, 6, 0] + none + [0x20, 0, 1, 0] + none
        #expect(list.encoded == expected)
        #expect(AccessControlList(encoded: expected) == list)
        // What has no number has none, whatever stands there.
        var other = expected
        other[8] = 9
        #expect(AccessControlList(encoded: other) == list)
    }

    @Test func whatIsNoListIsRefused() {
        func isRefused(_ change: (inout [Entry]) -> Void) -> Bool {
            var entries = Self.entries
            change(&entries)
            return AccessControlList(entries) == nil
        }
        #expect(isRefused { $0.swapAt(0, 1) })
        #expect(isRefused { $0.remove(at: 0) })
        #expect(isRefused { $0.remove(at: 2) })
        #expect(isRefused { $0.removeLast() })
        // Names without a mask.
        #expect(isRefused { $0.remove(at: 4) })
        #expect(isRefused { $0.insert(Entry(.mask, 7), at: 4) })
        #expect(isRefused { $0[1].permissions = 8 })
        #expect(isRefused { $0[1].id = Entry.nobody })
        #expect(!isRefused { _ in })
        #expect(AccessControlList(encoded: []) == nil)
        #expect(AccessControlList(encoded: [2, 0, 0, 0]) == nil)
    }

    @Test func hostileBytesAreNoList() throws {
        let encoded = try #require(AccessControlList(Self.entries)).encoded
        for length in 0..<encoded.count where length != encoded.count {
            #expect(AccessControlList(encoded: Array(encoded[..<length])) == nil)
        }
        var random = SeededGenerator(seed: 7)
        for _ in 0..<2000 {
            var bytes = encoded
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            }
            guard let list = AccessControlList(encoded: bytes) else { continue }
            #expect(AccessControlList(encoded: list.encoded) == list)
        }
    }

    @Test func theModeShowsTheMaskAndChangesIt() throws {
        let list = try #require(AccessControlList(Self.entries))
        #expect(list.mode == 0o761)
        #expect(!list.isMode)
        let changed = list.with(mode: 0o640)
        #expect(changed.mode == 0o640)
        // The owning group keeps what it was given, for when the mask lets it have it.
        #expect(changed.entries[2] == Entry(.owningGroup, 5))
        #expect(changed.entries[4] == Entry(.mask, 4))
        #expect(changed.entries[1] == Entry(.user, 6, id: 5))
    }

    @Test func whoIsNotKnownCanBeLeftOut() throws {
        let list = try #require(AccessControlList(Self.entries))
        let cases: [([ClosedRange<Int>], [ClosedRange<Int>], [Int])] = [
            ([0...5], [0...6], [5, 6]), ([0...4], [6...7], [6]), ([5...5], [7...9], [5]), ([], [], []),
        ]
        for (users, groups, left) in cases {
            let known = KnownIdentities(
                users: users.map { UInt32($0.lowerBound)...UInt32($0.upperBound) },
                groups: groups.map { UInt32($0.lowerBound)...UInt32($0.upperBound) })
            let part = list.only(known)
            #expect(part.entries.filter { $0.id != Entry.nobody }.map { Int($0.id) } == left)
            #expect(part.mode == list.mode && AccessControlList(encoded: part.encoded) == part)
            #expect(list.namesOthers(than: known) == (left.count < 2) && !part.namesOthers(than: known))
        }
        #expect(!list.namesOthers(than: .all))
    }

    @Test func threeEntriesAreAMode() throws {
        let list = try #require(AccessControlList([Entry(.owner, 6), Entry(.owningGroup, 4), Entry(.others, 0)]))
        #expect(list.isMode && list.mode == 0o640)
        #expect(list.with(mode: 0o755).entries[1] == Entry(.owningGroup, 5))
        // A mask of its own says more than a mode.
        let masked = try #require(
            AccessControlList([Entry(.owner, 6), Entry(.owningGroup, 4), Entry(.mask, 4), Entry(.others, 0)]))
        #expect(!masked.isMode)
    }
}
