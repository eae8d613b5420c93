import Filesystem
import Protocol
import Testing

@Suite struct ChangeTimeTests {
    private func shown(_ changed: UInt64, modified: UInt64? = nil, linked: UInt64? = nil) -> UInt64 {
        func time(_ seconds: UInt64) -> Timestamp { Timestamp(nanoseconds: seconds * 100_000_000) }
        let shown = ChangeTime.shown(
            changed: time(changed), modified: modified.map(time), linked: linked.map(time))
        return shown.nanoseconds / 100_000_000
    }

    /// All in tenths of a second.
    @Test func aRenameMovesIt() {
        #expect(shown(100) == 100)
        #expect(shown(100, linked: 110) == 110)
        #expect(shown(100, linked: 90) == 100)
        #expect(shown(100, modified: 100, linked: 106) == 106)
    }

    @Test func whatFollowsAWriteAtOnceDoesNot() {
        #expect(shown(104, modified: 100, linked: 105) == 100)
        #expect(shown(106, modified: 100, linked: 105) == 106)
        // A file that was given an old time, or one to come.
        #expect(shown(100, modified: 3, linked: 100) == 100)
        #expect(shown(100, modified: 900, linked: 100) == 100)
    }
}
