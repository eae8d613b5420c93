import Glibc
import Protocol
import ReplicatedLog
import TestSupport
import Testing

/// A log whose directory was made a moment ago, on a disk without power.
@Suite(.timeLimit(.minutes(2))) struct PowerCutTests {
    /// One that is found may be one whose maker died before he had synced it.
    @Test("what was synced in a new directory is there, whoever made it", arguments: [false, true])
    func newDirectory(isFound: Bool) throws {
        let (mount, group) = (try VolatileMount(), LogGroupID(rawValue: 1))
        let path = mount.path + "/log"
        if isFound { #expect(mkdir(path, 0o700) == 0) }
        do {
            let store = try SegmentedLogStore(directory: path)
            try store.write([testBatch((group, testEntry(1)))])
            try store.sync()
        }
        try mount.cutPower()
        let store = try SegmentedLogStore(directory: path, mustExist: true)
        #expect(try store.indices() == [group: [1]])
    }
}
