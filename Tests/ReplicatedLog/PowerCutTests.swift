import Protocol
import ReplicatedLog
import TestSupport
import Testing

/// A log whose directory was made a moment ago, on a disk without power.
@Suite(.timeLimit(.minutes(2))) struct PowerCutTests {
    @Test("what was synced in a new directory is there") func newDirectory() throws {
        let (mount, group) = (try VolatileMount(), LogGroupID(rawValue: 1))
        let path = mount.path + "/log"
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
