import Filesystem
import Testing

/// What somebody may do for certain.
@Suite struct AccessTests {
    typealias Entry = AccessControlList.Entry

    private func permissions(_ mode: UInt16) -> Permissions { Permissions(mode: mode, user: 10, group: 20) }

    @Test func aModeHasThreeClasses() {
        for (mode, user, group, wanted, expected): (UInt16, UInt32, UInt32, UInt16, Bool) in [
            (0o600, 10, 1, 6, true), (0o600, 1, 20, 2, false), (0o600, 1, 1, 2, false), (0o000, 0, 0, 6, true),
            // The owner is nobody else.
            (0o066, 10, 20, 2, false), (0o060, 1, 20, 6, true), (0o040, 1, 20, 6, false), (0o666, 1, 1, 6, true),
            // Of whom others are told nothing more: he may be in the group.
            (0o606, 1, 1, 2, false), (0o622, 1, 1, 2, true), (0o622, 1, 1, 4, false), (0o000, 1, 1, 0, true),
        ] {
            #expect(permissions(mode).surelyAllow(user: user, group: group, wanted) == expected, "\(mode) \(user)")
        }
    }

    @Test func aListNamesOthersAndItsMaskBoundsThem() throws {
        let list = try #require(
            AccessControlList([
                Entry(.owner, 6), Entry(.user, 7, id: 1), Entry(.user, 0, id: 2), Entry(.owningGroup, 0),
                Entry(.group, 6, id: 30), Entry(.mask, 6), Entry(.others, 6),
            ]))
        let file = permissions(0o666)
        for (user, group, wanted, expected): (UInt32, UInt32, UInt16, Bool) in [
            (10, 1, 6, true), (1, 9, 6, true), (1, 9, 1, false), (2, 30, 2, false), (3, 20, 2, false),
            (3, 30, 6, true), (3, 9, 6, false),
        ] {
            #expect(file.surelyAllow(user: user, group: group, wanted, list: list) == expected, "\(user) \(group)")
        }
        // The mode is the list's mask.
        #expect(!permissions(0o606).surelyAllow(user: 1, group: 9, 2, list: list))
    }

    @Test func aLostListLeavesNobodyItsMask() {
        #expect(permissions(0o4675).withoutList == permissions(0o4605))
    }
}
